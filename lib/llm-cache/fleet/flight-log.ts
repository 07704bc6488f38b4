import type { ScriptReply, ScriptStore } from '../../store/script-store.interface.js';
import type { Sealer } from '../sealing/sealer.interface.js';
import { APPEND, FOLLOW, JOIN, READ, RELEASE, RENEW, UNFOLLOW } from './fleet-scripts.js';
import { decodeRecord, encodeRecord, type FlightRecord } from './flight-record.js';

/** How long the log of an answer outlives its last record. */
const LOG_MS = 120_000;
/** Records of one reply, so that no reply holds up others for long. */
const MOST_RECORDS = 500;
/** What is kept of an answer that is too large to be kept. */
const KEPT_RECORDS = 1_000;

/** What processes agree on about one flight, in Redis. */
export interface FlightPlace {
  /** Of the flight, the same in all processes; it reveals nothing. */
  readonly name: string;
  readonly sealer: Sealer;
  readonly store: ScriptStore;
  readonly leaseMs: number;
  /** Of this process. */
  readonly process: string;
  /** Where processes are told of their flights: the channel of each is its name behind this. */
  readonly channelPrefix: string;
}

/** A record and where it stands, from 1 on. */
export interface NumberedRecord {
  readonly number: number;
  readonly record: FlightRecord;
}

/** Who leads a flight. */
interface Lead {
  /** Of the leader. */
  readonly token: string;
  /** Whether a leader before it may have left an answer. */
  readonly mayBeAnswered: boolean;
}

/**
 * @param answer where it is, if it is kept as a whole
 * @returns `undefined` when Redis is in trouble
 */
export async function joinFlight(
  place: FlightPlace,
  token: string,
  answer: string | undefined,
): Promise<Lead | undefined> {
  const { name, store, leaseMs, process, channelPrefix } = place;
  const args = [token, leaseMs, process, channelPrefix, name];
  const keys = [leaseOf(name), ...(answer === undefined ? [] : [answer])] as const;
  const reply = await store.runScript('write', JOIN, keys, args);
  if (typeof reply === 'number') return { token, mayBeAnswered: reply === 1 };
  return Buffer.isBuffer(reply) ? { token: reply.toString(), mayBeAnswered: true } : undefined;
}

/** Lease and log of one leader. Whatever Redis does not confirm is `'unknown'` or `undefined`. */
export class FlightLog {
  readonly #place: FlightPlace;
  readonly #token: string;

  constructor(place: FlightPlace, token: string) {
    this.#place = place;
    this.#token = token;
  }

  /** @returns how many other processes follow */
  async renew(): Promise<number | 'lost' | 'unknown'> {
    const { leaseMs } = this.#place;
    const reply = await this.#run('write', RENEW, [this.#token, leaseMs, LOG_MS]);
    if (typeof reply !== 'number') return 'unknown';
    return reply === -1 ? 'lost' : reply;
  }

  /**
   * May be repeated with the same records.
   *
   * @param first number of the first record
   * @param isWhole whether all records so far are to be kept
   * @param isLast gives the lease up in the same step: who reads that there is no answer may lead
   */
  async append(
    first: number,
    records: readonly FlightRecord[],
    isWhole: boolean,
    isLast: boolean,
  ): Promise<'appended' | 'lost' | 'unknown'> {
    const { name, leaseMs, channelPrefix } = this.#place;
    const sealed = await Promise.all(
      records.map((record, index) => this.#seal(first + index, encodeRecord(record))),
    );
    const bytes = sealed.filter((one) => one !== undefined);
    if (bytes.length < sealed.length) return 'unknown';
    const kept = isWhole ? 0 : KEPT_RECORDS;
    const limits = [LOG_MS, kept, isLast ? 1 : 0];
    const args = [this.#token, leaseMs, channelPrefix, name, ...limits, first, ...bytes];
    const reply = await this.#run('write', APPEND, args);
    if (typeof reply !== 'number') return 'unknown';
    return reply === -1 ? 'lost' : 'appended';
  }

  /**
   * Gives the lease up.
   *
   * @param isTold whether the log tells all that followers wait for
   * @returns whether somebody still waits for it, and the lease is kept
   */
  async release(isTold: boolean): Promise<boolean> {
    return (await this.#run('write', RELEASE, [this.#token, isTold ? 1 : 0])) === 1;
  }

  /** @returns what is behind the record with the number `known`, and whether the leader is there */
  async read(
    known: number,
  ): Promise<{ readonly isLed: boolean; readonly records: NumberedRecord[] } | undefined> {
    const reply = await this.#run('read', READ, [this.#token, known, MOST_RECORDS]);
    if (!Array.isArray(reply)) return undefined;
    const [isLed, ...rest]: readonly ScriptReply[] = reply;
    const records: NumberedRecord[] = [];
    for (let index = 0; index < rest.length; index += 2) {
      const [number, bytes] = [rest[index], rest[index + 1]];
      if (typeof number !== 'number' || !Buffer.isBuffer(bytes)) return undefined;
      const { sealer } = this.#place;
      const opened = await sealer.open(this.#contextOf(number), bytes).catch(() => undefined);
      const record = opened && decodeRecord(opened);
      if (record === undefined) return undefined;
      records.push({ number, record });
    }
    return { isLed: isLed === 1, records };
  }

  /** This process still follows, whether it reads or not. */
  async follow(): Promise<void> {
    await this.#run('write', FOLLOW, [this.#token, this.#place.process]);
  }

  /** This process does not follow any more. */
  async unfollow(): Promise<void> {
    await this.#run('write', UNFOLLOW, [this.#token, this.#place.process]);
  }

  #run(
    kind: 'read' | 'write',
    script: typeof READ,
    args: readonly (string | number | Buffer)[],
  ): Promise<ScriptReply | undefined> {
    const { name, store } = this.#place;
    return store.runScript(kind, script, [leaseOf(name), logOf(name, this.#token)], args);
  }

  #seal(number: number, bytes: Buffer): Promise<Buffer | undefined> {
    return this.#place.sealer.seal(this.#contextOf(number), bytes);
  }

  /** Binds a record to its place. */
  #contextOf(number: number): string {
    return `${logOf(this.#place.name, this.#token)}:${number}`;
  }
}

/** The braces put all that belongs to a flight into one slot of a cluster. */
const leaseOf = (name: string): string => `llm:lease:{${name}}`;
const logOf = (name: string, token: string): string => `llm:log:{${name}}:${token}`;
