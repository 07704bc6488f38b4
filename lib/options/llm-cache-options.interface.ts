import type { ExecutionContext } from '@nestjs/common';

/**
 * Who shares cached answers: `'public'` means every caller of the route; a function names the
 * tenant or user of the request, and only requests with the same name share.
 *
 * A function that throws, or returns anything but a non-empty string, leaves the request to its
 * handler, uncached.
 *
 * @publicApi
 */
export type LlmCacheScope = 'public' | ((context: ExecutionContext) => string | Promise<string>);

/**
 * How fast a recorded stream is replayed: at once, as it came from the upstream, or so many
 * frames per second, of which each is about a token.
 *
 * @publicApi
 */
export type LlmCachePacing = 'instant' | 'recorded' | { readonly tokensPerSecond: number };

/**
 * What happens to an answer whose callers have all gone before its end. `drain`: it is read to
 * its end and stored. `drainIfFollowers`: only if more than one caller wanted it. `abort`: the
 * handler or upstream is stopped and nothing is stored.
 *
 * @publicApi
 */
export type LlmCacheOnDisconnect = 'drain' | 'drainIfFollowers' | 'abort';

/**
 * Which wishes of callers count. `http`: the request directives `no-cache`, `no-store`, `max-age`
 * and `only-if-cached` of `Cache-Control` (RFC 9111). `litellm`: those, and LiteLLM's body member
 * `cache`, which is taken out before the handler sees it.
 *
 * @publicApi
 */
export type LlmCacheClientControls = false | 'http' | 'litellm';

/** Defaults of all routes and of `LlmCacheService.fetch`. @publicApi */
export interface LlmCacheOptions {
  /** Who shares the answers of routes. @default callers that send the same credentials */
  scope?: LlmCacheScope;
  /** Larger answers are passed on and not stored. @default 1048576 (1 MiB) */
  maxEntryBytes?: number;
  /** @default 'instant' */
  pacing?: LlmCachePacing;
  /** Replays ids and times as they were recorded, instead of fresh ones. @default false */
  verbatim?: boolean;
  /** @default 'drain' */
  onDisconnect?: LlmCacheOnDisconnect;
  /** How long an answer is read that nobody waits for any more, in milliseconds. @default 120000 */
  drainDeadlineMs?: number;
  /** How long a caller waits for the first piece of another one's answer. @default 120000 */
  followerDeadlineMs?: number;
  /** Callers that may wait for one and the same answer; more call by themselves. @default 10000 */
  maxFollowers?: number;
  /** @default false */
  clientControls?: LlmCacheClientControls;
  /** Longest lifetime that a caller may ask for, in milliseconds. @default 86400000 (1 day) */
  maxTtlMs?: number;
  /**
   * Parameters of LLM requests that do not count for the key, instead of the usual ones. Those of
   * OpenAI's Responses all count, because the answers repeat them.
   * @default user, metadata and the like, by protocol
   */
  ignoredParameters?: readonly string[];
}

/** The validated form. @publicApi */
export type ResolvedLlmCacheOptions = Readonly<
  Required<Omit<LlmCacheOptions, 'scope' | 'ignoredParameters'>>
> & {
  readonly scope: LlmCacheScope | undefined;
  readonly ignoredParameters: readonly string[] | undefined;
};
