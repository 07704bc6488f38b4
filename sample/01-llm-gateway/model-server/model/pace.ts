import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from './seeded-random.js';

/** How fast the model is. */
export interface PaceOptions {
  /** Wait for the first token, from and to, in milliseconds. @default [400, 900] */
  readonly firstTokenMs?: readonly [number, number];
  /** `Infinity` answers at once. @default 60 */
  readonly tokensPerSecond?: number;
}

/** The clock of one answer. Every wait ends early, with a rejection, when the caller has gone. */
export class Pace {
  readonly #firstTokenMs: number;
  readonly #msPerToken: number;
  readonly #signal: AbortSignal;
  readonly #start = performance.now();

  constructor(
    content: string,
    { firstTokenMs: [from, to] = [400, 900], tokensPerSecond = 60 }: PaceOptions,
    signal: AbortSignal,
    /** Of the wait for a first token. */
    firstTokenShare = 1,
  ) {
    const firstTokenMs = from + (to - from) * seededRandom('first token', content)();
    this.#firstTokenMs = firstTokenMs * firstTokenShare;
    this.#msPerToken = 1000 / tokensPerSecond;
    this.#signal = signal;
  }

  firstToken(): Promise<void> {
    return this.tokens(0);
  }

  /** Until so many tokens are due, counted from the start so that late timers do not add up. */
  async tokens(count: number): Promise<void> {
    const due = this.#start + this.#firstTokenMs + count * this.#msPerToken;
    const waitMs = due - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#signal });
    this.#signal.throwIfAborted();
  }
}
