import { describeValue } from '../../options/describe-value.js';
import type {
  LlmCachePricedUsage,
  LlmCachePricing,
} from '../../options/llm-cache-options.interface.js';

/** Asks a pricing of the user's, which may fail in any way. */
export class PriceList {
  readonly #pricing: LlmCachePricing | undefined;
  readonly #onTrouble: (error: unknown) => void;
  #isReported = false;

  /** @param onTrouble called once, with what the pricing threw, or what was wrong with its price */
  constructor(pricing: LlmCachePricing | undefined, onTrouble: (error: unknown) => void) {
    this.#pricing = pricing;
    this.#onTrouble = onTrouble;
  }

  /** Whether there are prices at all. */
  get isKnown(): boolean {
    return this.#pricing !== undefined;
  }

  /** @returns `undefined` if the price is not known */
  priceOf(usage: LlmCachePricedUsage): number | undefined {
    if (this.#pricing === undefined) return undefined;
    try {
      const price: unknown = this.#pricing(usage);
      if (isPrice(price)) return price;
      // Nobody waits for it, and its rejection must not end the process.
      if (price instanceof Promise) price.catch(() => undefined);
      throw new TypeError(
        `Expected the pricing to return a finite number from 0 up, got ${describeValue(price)}.`,
      );
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #report(error: unknown): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#onTrouble(error);
  }
}

const isPrice = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;
