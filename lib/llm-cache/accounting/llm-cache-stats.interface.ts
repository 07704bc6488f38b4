import type { BypassReason } from '../policy/bypass.js';
import type { UnstorableReason } from '../policy/storable.js';

/** What the LLM cache did. @publicApi */
export interface LlmCacheCounts {
  /** Requests that got a stored answer within its lifetime. */
  readonly hits: number;
  /** Calls of handlers and upstreams for requests that can be cached. */
  readonly misses: number;
  /** Requests that got the answer of somebody else's call. */
  readonly collapsed: number;
  /** Requests that got a stored answer past its lifetime; they are not among the hits. */
  readonly stale: number;
  /** Stored answers that were found but, in shadow mode, not given. */
  readonly shadowHits: number;
  /** Answers that were handed to the store. */
  readonly stored: number;
  /** Requests that were not looked up, by reason. */
  readonly bypasses: Readonly<Partial<Record<BypassReason, number>>>;
  /** Answers that were not stored, by reason. */
  readonly notStored: Readonly<Partial<Record<UnstorableReason, number>>>;
  /**
   * Tokens of the questions of all requests that were answered without a call (hits, stale ones and
   * collapsed ones), those in the provider's prompt cache included, as the answers tell them; an
   * answer that tells nothing, or was not stored, adds nothing.
   */
  readonly savedInputTokens: number;
  /** Tokens of those answers. */
  readonly savedOutputTokens: number;
  /** Milliseconds that handlers and upstreams took for them. */
  readonly savedUpstreamMs: number;
  /**
   * What the pricing says of those that tell their input and their output, in its currency; 0
   * without a pricing.
   */
  readonly savedCost: number;
  /** What shadow mode would have saved: tokens, milliseconds and cost as above. */
  readonly shadowInputTokens: number;
  readonly shadowOutputTokens: number;
  readonly shadowUpstreamMs: number;
  readonly shadowCost: number;
}

/**
 * What the LLM cache did since the start of the process: all of it, and by model and route.
 *
 * The first 100 pairs of model and route have names; whatever comes later counts under `other`.
 * Names are cut to 128 characters and have no control characters.
 *
 * @publicApi
 */
export interface LlmCacheStats extends LlmCacheCounts {
  /** By the model that was asked for; `unknown` if the request names none. */
  readonly byModel: Readonly<Record<string, LlmCacheCounts>>;
  /** By route, or by host and path of an upstream. */
  readonly byRoute: Readonly<Record<string, LlmCacheCounts>>;
}
