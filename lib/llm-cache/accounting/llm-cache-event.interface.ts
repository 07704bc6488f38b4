import type { BypassReason } from '../policy/bypass.js';

/** What one request did without, or would have in shadow mode, as far as it is known. @publicApi */
export interface LlmCacheSavings {
  readonly savedInputTokens?: number;
  readonly savedOutputTokens?: number;
  /** Milliseconds that the handler or upstream took when the answer was recorded. */
  readonly savedUpstreamMs?: number;
  /** In the currency of the pricing. */
  readonly savedCost?: number;
}

/**
 * The message of the diagnostics channel `nestjs-azure-redis:llmCache`, one for each outcome. It
 * never carries a key, a prompt, an answer, or who asked.
 *
 * Published in the asynchronous context of its request: what `AsyncLocalStorage` holds for that,
 * such as its trace, is there for whoever listens. A `collapsed` one comes at the end of the answer,
 * in the context of the request that shared it; a `miss` may be a call in the background, in that of
 * the request that got the old answer.
 *
 * @publicApi
 */
export interface LlmCacheEvent extends LlmCacheSavings {
  readonly result: LlmCacheResult;
  /** As in {@link LlmCacheStats.byRoute}. */
  readonly route: string;
  /** As in {@link LlmCacheStats.byModel}. */
  readonly model: string;
  /** Of a bypass. */
  readonly reason?: BypassReason;
  /** When the look-up began, in epoch milliseconds; not of a bypass, which has none. */
  readonly startedAt?: number;
  /** Size of the stored or shared answer. */
  readonly bytes?: number;
  /**
   * The trace of the call that the stored or shared answer comes from, as a W3C `traceparent`, if
   * `nestjs-azure-redis/telemetry` was there when it was made.
   */
  readonly trace?: string;
}

/**
 * `miss`: a handler or upstream was called. `collapsed`: the answer of somebody else's call.
 * `stale`: a stored answer past its lifetime. `shadow`: a stored answer that was not given.
 * `bypass`: not looked up.
 *
 * @publicApi
 */
export type LlmCacheResult = 'hit' | 'miss' | 'collapsed' | 'stale' | 'bypass' | 'shadow';
