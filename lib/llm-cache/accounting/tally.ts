import type { BypassReason } from '../policy/bypass.js';
import type { UnstorableReason } from '../policy/storable.js';
import type { LlmCacheSavings } from './llm-cache-event.interface.js';
import type { LlmCacheCounts } from './llm-cache-stats.interface.js';

export type Counter = Exclude<keyof LlmCacheCounts, 'bypasses' | 'notStored'>;

/** Counts for one model, one route, or all. */
export class Tally {
  readonly #counters: Record<Counter, number> = {
    hits: 0,
    misses: 0,
    collapsed: 0,
    stale: 0,
    shadowHits: 0,
    stored: 0,
    savedInputTokens: 0,
    savedOutputTokens: 0,
    savedUpstreamMs: 0,
    savedCost: 0,
    shadowInputTokens: 0,
    shadowOutputTokens: 0,
    shadowUpstreamMs: 0,
    shadowCost: 0,
  };
  readonly #bypasses: Partial<Record<BypassReason, number>> = {};
  readonly #notStored: Partial<Record<UnstorableReason, number>> = {};

  count(counter: Counter): void {
    this.#counters[counter] += 1;
  }

  /** What was given without a call of its own. */
  saved(savings: LlmCacheSavings): void {
    this.#counters.savedInputTokens += savings.savedInputTokens ?? 0;
    this.#counters.savedOutputTokens += savings.savedOutputTokens ?? 0;
    this.#counters.savedUpstreamMs += savings.savedUpstreamMs ?? 0;
    this.#counters.savedCost += savings.savedCost ?? 0;
  }

  /** What would have been. */
  shadowSaved(savings: LlmCacheSavings): void {
    this.#counters.shadowInputTokens += savings.savedInputTokens ?? 0;
    this.#counters.shadowOutputTokens += savings.savedOutputTokens ?? 0;
    this.#counters.shadowUpstreamMs += savings.savedUpstreamMs ?? 0;
    this.#counters.shadowCost += savings.savedCost ?? 0;
  }

  bypass(reason: BypassReason): void {
    this.#bypasses[reason] = (this.#bypasses[reason] ?? 0) + 1;
  }

  unstorable(reason: UnstorableReason): void {
    this.#notStored[reason] = (this.#notStored[reason] ?? 0) + 1;
  }

  /** Frozen, and as it is now. */
  snapshot(): LlmCacheCounts {
    const bypasses = Object.freeze({ ...this.#bypasses });
    const notStored = Object.freeze({ ...this.#notStored });
    return Object.freeze({ ...this.#counters, bypasses, notStored });
  }
}
