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
}

/**
 * `miss`: a handler or upstream was called. `collapsed`: the answer of somebody else's call.
 * `stale`: a stored answer past its lifetime. `shadow`: a stored answer that was not given.
 * `bypass`: not looked up.
 *
 * @publicApi
 */
export type LlmCacheResult = 'hit' | 'miss' | 'collapsed' | 'stale' | 'bypass' | 'shadow';
