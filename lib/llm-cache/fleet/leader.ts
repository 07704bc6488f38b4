import { setTimeout as sleep } from 'node:timers/promises';
import type { Flight } from '../flight/flight.js';
import type { SharedChunks } from '../flight/shared-chunks.js';
import type { OriginatedHead } from '../recording/answer.js';
import { sizeOf, toWire } from '../recording/chunk.js';
import type { FlightLog } from './flight-log.js';
import type { FlightRecord } from './flight-record.js';

/** Renewals per lease. */
const RENEWALS = 3;
/** Records that go to Redis at once. */
const BATCH = 200;
/** Bytes that wait for Redis before no more are read for it. */
const MOST_WAITING_BYTES = 1024 * 1024;
const RETRY_MS = 100;

interface LeaderOptions {
  readonly leaseMs: number;
  readonly mayBeAnswered: boolean;
  /** Called when this process does not lead any more. */
  readonly onLeft: () => void;
}

/**
 * This process makes the call for all others. Its answer goes into the log from the first piece
 * on, as soon as another process follows, and not before: most answers nobody else waits for.
 */
export class Leader {
  readonly role = 'leader';
  /** Whether a leader before it may have left an answer. */
  readonly mayBeAnswered: boolean;
  readonly #log: FlightLog;
  readonly #leaseMs: number;
  readonly #onLeft: () => void;
  readonly #renewal: NodeJS.Timeout;
  #flight: Flight | undefined;
  #isFollowed = false;
  #isLost = false;
  /** What followers are to be told; `undefined` while there is nothing to tell. */
  #story: (() => Promise<void>) | undefined;
  #telling: Promise<void> | undefined;
  #stopTelling: () => void = () => undefined;

  constructor(log: FlightLog, { leaseMs, mayBeAnswered, onLeft }: LeaderOptions) {
    this.mayBeAnswered = mayBeAnswered;
    this.#log = log;
    this.#leaseMs = leaseMs;
    this.#onLeft = onLeft;
    this.#renewal = setInterval(() => void this.#renew(), leaseMs / RENEWALS).unref();
  }

  /** Callers in other processes are callers of this flight. */
  attend(flight: Flight): void {
    this.#flight = flight;
    flight.lease = this;
    if (this.#isFollowed) flight.enter();
  }

  /** Another process has joined. */
  noticed(): void {
    this.#followed();
  }

  /** Another process may have joined. */
  look(): void {
    void this.#renew();
  }

  #followed(): void {
    if (this.#isFollowed) return;
    this.#isFollowed = true;
    this.#flight?.enter();
    this.#tell();
  }

  /** The answer has begun. */
  begin(head: OriginatedHead, chunks: SharedChunks): void {
    this.#story = () => this.#tellAnswer(head, chunks);
    this.#tell();
  }

  /** There is no answer for others. */
  async fail(why: 'failed' | 'unshareable'): Promise<void> {
    this.#story = () => this.#tellNothing(why);
    this.#tell();
    await this.leave();
  }

  /** Others may lead from now on. Never rejects. */
  async leave(): Promise<void> {
    await this.#telling;
    const isWaitedFor = await this.#log.release(this.#telling !== undefined);
    if (isWaitedFor) {
      // Somebody has joined at the last moment.
      this.#followed();
      await this.#telling;
      await this.#log.release(true);
    }
    this.#end();
  }

  async #renew(): Promise<void> {
    const followers = await this.#log.renew();
    if (followers === 'lost') this.#lose();
    else if (followers === 0) this.#unfollowed();
    else if (followers !== 'unknown') this.#followed();
  }

  #unfollowed(): void {
    if (!this.#isFollowed) return;
    this.#isFollowed = false;
    this.#flight?.leave();
    this.#stopTelling();
    this.#telling = undefined;
  }

  /** Somebody else leads: what they tell must not be mixed with this. */
  #lose(): void {
    this.#isLost = true;
    this.#unfollowed();
    this.#end();
  }

  #end(): void {
    clearInterval(this.#renewal);
    this.#onLeft();
  }

  #tell(): void {
    if (this.#isFollowed && !this.#isLost) this.#telling ??= this.#story?.();
  }

  async #tellNothing(why: 'failed' | 'unshareable'): Promise<void> {
    await this.#append(1, [{ kind: why }], true, true);
  }

  async #tellAnswer(head: OriginatedHead, chunks: SharedChunks): Promise<void> {
    if (!chunks.isWhole) {
      await this.#tellNothing('unshareable');
      return;
    }
    const records = new WaitingRecords(head, chunks);
    this.#stopTelling = () => records.stop();
    let next = 1;
    for (;;) {
      const batch = await records.take();
      if (batch.length === 0) return;
      if (!(await this.#append(next, batch, chunks.isWhole))) {
        records.stop();
        return;
      }
      next += batch.length;
    }
  }

  /** Again and again, for as long as followers wait for a leader who says nothing. */
  async #append(
    first: number,
    records: readonly FlightRecord[],
    isWhole: boolean,
    isLast = false,
  ): Promise<boolean> {
    const until = performance.now() + this.#leaseMs;
    while (!this.#isLost) {
      const result = await this.#log.append(first, records, isWhole, isLast);
      if (result === 'appended') return true;
      if (result === 'lost' || performance.now() > until) break;
      await sleep(RETRY_MS, undefined, { ref: false });
    }
    return false;
  }
}

/** The records of an answer, in batches: those that come while Redis is busy go together. */
class WaitingRecords {
  readonly #reader: AsyncIterableIterator<unknown>;
  #waiting: FlightRecord[];
  #waitingBytes = 0;
  #isOver = false;
  #wake: () => void = () => undefined;
  #goOn: () => void = () => undefined;

  constructor(head: OriginatedHead, chunks: SharedChunks) {
    this.#waiting = [{ kind: 'head', head }];
    this.#reader = chunks.read(false);
    void this.#read();
  }

  stop(): void {
    this.#isOver = true;
    this.#waiting = [];
    void this.#reader.return?.();
    this.#wake();
    this.#goOn();
  }

  /** @returns nothing at the end */
  async take(): Promise<FlightRecord[]> {
    while (this.#waiting.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const batch = this.#waiting.splice(0, BATCH);
    if (this.#waiting.length === 0) this.#waitingBytes = 0;
    this.#goOn();
    return batch;
  }

  async #read(): Promise<void> {
    this.#add({ kind: await this.#readPieces() });
    this.#isOver = true;
    this.#wake();
  }

  async #readPieces(): Promise<'end' | 'cut'> {
    try {
      for await (const chunk of this.#reader) {
        const wire = toWire(chunk);
        if (wire === undefined) return 'cut';
        this.#waitingBytes += sizeOf(wire);
        this.#add({ kind: 'piece', wire });
        while (this.#waitingBytes > MOST_WAITING_BYTES && !this.#isOver) {
          await new Promise<void>((resolve) => {
            this.#goOn = resolve;
          });
        }
      }
      return 'end';
    } catch {
      return 'cut';
    }
  }

  #add(record: FlightRecord): void {
    if (this.#isOver) return;
    this.#waiting.push(record);
    this.#wake();
  }
}
