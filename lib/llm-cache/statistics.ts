import type { BypassReason } from './policy/bypass.js';
import type { UnstorableReason } from './policy/storable.js';

/**
 * What the LLM cache did since the start of the process.
 *
 * @publicApi
 */
export interface LlmCacheStats {
  readonly hits: number;
  /** Calls of handlers and upstreams for requests that can be cached. */
  readonly misses: number;
  /** Requests that got the answer of somebody else's call. */
  readonly collapsed: number;
  /** Answers that were handed to the store. */
  readonly stored: number;
  /** Requests that were not looked up, by reason. */
  readonly bypasses: Readonly<Partial<Record<BypassReason, number>>>;
  /** Answers that were not stored, by reason. */
  readonly notStored: Readonly<Partial<Record<UnstorableReason, number>>>;
}

export class LlmCacheStatistics {
  hits = 0;
  misses = 0;
  collapsed = 0;
  stored = 0;
  readonly #bypasses: Partial<Record<BypassReason, number>> = {};
  readonly #notStored: Partial<Record<UnstorableReason, number>> = {};

  bypass(reason: BypassReason): void {
    this.#bypasses[reason] = (this.#bypasses[reason] ?? 0) + 1;
  }

  unstorable(reason: UnstorableReason): void {
    this.#notStored[reason] = (this.#notStored[reason] ?? 0) + 1;
  }

  snapshot(): LlmCacheStats {
    const { hits, misses, collapsed, stored } = this;
    const bypasses = { ...this.#bypasses };
    const notStored = { ...this.#notStored };
    return { hits, misses, collapsed, stored, bypasses, notStored };
  }
}
