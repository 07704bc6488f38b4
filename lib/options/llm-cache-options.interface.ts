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

/** How processes that share a cache work together. @publicApi */
export interface LlmCacheFleetOptions {
  /**
   * How long the others wait for a process that asks for an answer and has not been heard of, in
   * milliseconds, before another one asks. @default 3000
   */
  leaseMs?: number;
}

/** Encryption of what the LLM cache keeps in Redis. @publicApi */
export interface LlmCacheEncryptionOptions {
  /**
   * At least 32 characters each. The first one seals, all of them open: to change it, make the new
   * one a further one in all processes, then the first one, then leave the old one out.
   */
  secrets: readonly string[];
}

/** The tokens of an answer that has a price. @publicApi */
export interface LlmCachePricedUsage {
  /** That answered, as it calls itself, or else that was asked for; cut to 128 characters. */
  readonly model: string | undefined;
  /** Those in the provider's prompt cache included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * What the tokens of an answer cost, in any currency. Called on each hit whose answer tells both
 * numbers: it should look up a price and multiply. If it throws, or returns what is no price, the
 * hit saves no cost.
 *
 * @publicApi
 */
export type LlmCachePricing = (usage: LlmCachePricedUsage) => number;

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
  /** One call for all processes that share the cache; `false`: one call per process. */
  fleet?: LlmCacheFleetOptions | false;
  /**
   * How long a stored answer may be given behind its lifetime while a new one is asked for in the
   * background, once in all processes, in milliseconds (RFC 5861). With it, a new answer is asked
   * for shortly before the lifetime ends, too. @default 0
   */
  staleWhileRevalidateMs?: number;
  /**
   * How long a stored answer may be given behind its lifetime when the call fails, with no answer
   * or with status 500, 502, 503 or 504, in milliseconds (RFC 5861). @default 0
   */
  staleIfErrorMs?: number;
  /** Looks up, stores and counts, but answers no request from the cache. @default false */
  shadow?: boolean;
  /**
   * Event streams have ids, and go on behind the `Last-Event-ID` of a caller who asks again, from
   * any process. @default false
   */
  resumable?: boolean;
  /** Keeps digests of the last requests, to say why a request was a miss. @default false */
  explain?: boolean;
  /** @default nothing is encrypted */
  encryption?: LlmCacheEncryptionOptions;
  /**
   * Larger entries are compressed (Brotli), `Infinity`: none. To unpack a small one takes as long as
   * all the rest of a hit.
   *
   * @default 16384
   */
  compressAboveBytes?: number;
  /** For the cost that hits save. @default no cost is counted */
  pricing?: LlmCachePricing;
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
  Required<
    Omit<LlmCacheOptions, 'scope' | 'ignoredParameters' | 'fleet' | 'encryption' | 'pricing'>
  >
> & {
  readonly fleet: Readonly<Required<LlmCacheFleetOptions>> | false;
  readonly encryption: Readonly<LlmCacheEncryptionOptions> | undefined;
  readonly pricing: LlmCachePricing | undefined;
  readonly scope: LlmCacheScope | undefined;
  readonly ignoredParameters: readonly string[] | undefined;
};
