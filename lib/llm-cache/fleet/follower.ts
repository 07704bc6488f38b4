import { withDeadline } from '../../azure-redis.deadline.js';
import type { GoneSignal } from '../gone-signal.js';
import type { LiveAnswer, OriginatedHead } from '../recording/answer.js';
import { fromWire, type Chunk } from '../recording/chunk.js';
import type { FlightLog, NumberedRecord } from './flight-log.js';
import type { FlightRecord } from './flight-record.js';

/** How often in a lease a follower tells that it is there. */
const SIGNS_PER_LEASE = 3;
/** How often a follower looks by itself: a notice may be lost. */
const LOOK_MS = 500;
/** The same while Redis does not answer. */
const RETRY_MS = 100;

/** The leader is gone, or out of reach, before the end of its answer. */
export class LeaderLostError extends Error {
  override readonly name = 'LeaderLostError';
}

/** Why a leader brings nothing; `late`: not in time. */
export type NoRemoteAnswer = 'failed' | 'unshareable' | 'lost' | 'late';

/** This process waits for the answer that another one asks for. */
export class Follower {
  readonly role = 'follower';
  readonly #log: FlightLog;
  readonly #leaseMs: number;
  readonly #onLeft: () => boolean;
  readonly #signs: NodeJS.Timeout;
  /** Numbers count from 1 on. */
  #known = 0;
  #records: FlightRecord[] = [];
  #isNoticed = false;
  #wake: () => void = () => undefined;
  #hasLeft = false;

  /** @param onLeft called when this one leaves; whether it was the last one of this process */
  constructor(log: FlightLog, leaseMs: number, onLeft: () => boolean) {
    this.#log = log;
    this.#leaseMs = leaseMs;
    this.#onLeft = onLeft;
    this.#signs = setInterval(() => void log.follow(), leaseMs / SIGNS_PER_LEASE).unref();
  }

  /** There may be something new. */
  noticed(): void {
    this.#isNoticed = true;
    this.#wake();
  }

  look(): void {
    this.noticed();
  }

  /**
   * The answer once it has begun, unless `stop` is aborted before. Its pieces end with a
   * {@link LeaderLostError} when the leader is lost, and with another error when the answer itself
   * is cut.
   */
  async answer(
    deadlineMs: number,
    stop?: GoneSignal,
  ): Promise<LiveAnswer<OriginatedHead> | NoRemoteAnswer> {
    const leave = (): void => this.leave();
    if (stop?.aborted === true) leave();
    stop?.addEventListener('abort', leave, { once: true });
    const first = await this.#first(deadlineMs);
    stop?.removeEventListener('abort', leave);
    if (typeof first === 'string') this.leave();
    return first;
  }

  /** This process does not want the answer any more. */
  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    clearInterval(this.#signs);
    this.#wake();
    if (this.#onLeft()) void this.#log.unfollow();
  }

  async #first(deadlineMs: number): Promise<LiveAnswer<OriginatedHead> | NoRemoteAnswer> {
    try {
      const late = (): Error => new Error('The leader is slow.');
      const record = await withDeadline(this.#next(), deadlineMs, late);
      switch (record.kind) {
        case 'head':
          return { head: record.head, chunks: this.#chunks() };
        case 'unshareable':
          return 'unshareable';
        default:
          return 'failed';
      }
    } catch (error) {
      return error instanceof LeaderLostError ? 'lost' : 'late';
    }
  }

  #chunks(): AsyncIterator<Chunk> {
    return {
      next: async () => {
        const record = await this.#next();
        if (record.kind === 'piece') return { done: false, value: fromWire(record.wire) };
        this.leave();
        if (record.kind === 'end') return { done: true, value: undefined };
        throw new Error('The answer was cut.');
      },
      return: async () => {
        this.leave();
        return { done: true, value: undefined };
      },
    };
  }

  /** @throws LeaderLostError */
  async #next(): Promise<FlightRecord> {
    let answeredAt = performance.now();
    for (;;) {
      const record = this.#records.shift();
      if (record !== undefined) return record;
      this.#isNoticed = false;
      const read = await this.#log.read(this.#known);
      if (read !== undefined) answeredAt = performance.now();
      if (read?.records.length) {
        this.#take(read.records);
        continue;
      }
      const isSilent = performance.now() - answeredAt > this.#leaseMs;
      if (this.#hasLeft || isSilent || read?.isLed === false) {
        throw new LeaderLostError('The process that asked for the answer is gone.');
      }
      await this.#wait(read === undefined ? RETRY_MS : LOOK_MS);
    }
  }

  #take(records: readonly NumberedRecord[]): void {
    for (const { number, record } of records) {
      // Only of an answer that is too large to be kept.
      if (number !== this.#known + 1) throw new Error('Too slow for an answer of this size.');
      this.#known = number;
      this.#records.push(record);
    }
  }

  async #wait(ms: number): Promise<void> {
    if (this.#isNoticed) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
