import { withDeadline } from '../../azure-redis.deadline.js';
import type { RecordedCall } from '../accounting/ledger.js';
import type { GoneSignal } from '../gone-signal.js';
import type { OriginatedHead } from '../recording/answer.js';
import type { Entry } from '../recording/entry.js';
import type { SharedChunks } from './shared-chunks.js';

/** What a flight brings to everybody who waits for it. */
export type FlightAnswer =
  | { readonly from: 'cache'; readonly entry: Entry }
  | {
      readonly from: 'handler';
      readonly head: OriginatedHead;
      readonly chunks: SharedChunks;
      /** What is known of the call when the answer has ended. */
      readonly call: Promise<RecordedCall | undefined>;
    };

/**
 * Why a flight brings nothing. `failed`: another call may succeed. `unshareable`: the answer can be
 * given to its own caller only, and so will the next one.
 */
export type NoAnswer = 'failed' | 'unshareable';

/** One look-up, and one call if need be, for all who ask the same at the same time. */
export class Flight {
  readonly landed: Promise<FlightAnswer | NoAnswer>;
  /** Of a call that nobody waits for any more. */
  deadline: NodeJS.Timeout | undefined;
  readonly #onAbandoned: () => void;
  #land: (answer: FlightAnswer | NoAnswer) => void = () => undefined;
  /** Callers that still wait, the leader among them. */
  #waiting = 1;
  #hasLanded = false;
  followers = 0;
  /** In the name of all processes; given up with the last one who waits. */
  lease: { leave(): Promise<void> } | undefined;
  /** What is being stored: as good as stored for whoever comes before Redis has confirmed. */
  entry: Entry | undefined;

  /** @param onAbandoned called when nobody waits any more for an answer that has not begun */
  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
    this.landed = new Promise((resolve) => {
      this.#land = resolve;
    });
  }

  /** Whether anybody waits for it. */
  get isWanted(): boolean {
    return this.#waiting > 0;
  }

  /** The answer has begun. */
  land(answer: FlightAnswer): void {
    this.#hasLanded = true;
    this.#land(answer);
  }

  /** There is no answer for those who wait. */
  fail(why: NoAnswer): void {
    this.#hasLanded = true;
    this.#land(why);
  }

  /** One more waits: a caller, or callers in another process. */
  enter(): void {
    this.followers += 1;
    this.#waiting += 1;
  }

  /** One of those who wait has gone. */
  leave(): void {
    this.#waiting -= 1;
    if (this.#waiting > 0 || this.#hasLanded) return;
    void this.lease?.leave();
    this.#onAbandoned();
  }

  /** @returns why there is nothing for the caller, if so; `late`: the leader took too long */
  async follow(deadlineMs: number, gone: GoneSignal): Promise<FlightAnswer | NoAnswer | 'late'> {
    this.enter();
    const leave = (): void => this.leave();
    gone.addEventListener('abort', leave, { once: true });
    try {
      const late = (): Error => new Error('The leader is slow.');
      return await withDeadline(this.landed, deadlineMs, late);
    } catch {
      if (!gone.aborted) this.leave();
      return 'late';
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }
}
