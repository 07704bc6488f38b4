import { randomBytes, randomUUID } from 'node:crypto';
import type { Notices } from '../../store/redis-notices.js';
import type { ScriptStore } from '../../store/script-store.interface.js';
import type { Sealer } from '../sealing/sealer.interface.js';
import { FlightLog, joinFlight } from './flight-log.js';
import { Follower } from './follower.js';
import { Leader } from './leader.js';

/** Where each process is told of its flights. */
const CHANNELS = 'llm:fleet:';

/**
 * All processes that share a cache: one of them makes the call, and the others follow its answer.
 * Without Redis every process is a fleet of its own.
 */
export class Fleet {
  readonly #store: ScriptStore;
  readonly #notices: Notices;
  readonly #leaseMs: number;
  readonly #process = randomBytes(9).toString('base64url');
  /** Whom to tell, by flight. */
  readonly #parties = new Map<string, Set<Leader | Follower>>();
  /** How many are about to join, by flight. */
  readonly #joining = new Map<string, number>();
  #isListening = false;

  /** @param leaseMs how long a leader is waited for that says nothing */
  constructor(store: ScriptStore, notices: Notices, leaseMs: number) {
    this.#store = store;
    this.#notices = notices;
    this.#leaseMs = leaseMs;
  }

  /**
   * @param name of the flight, the same in all processes
   * @param answer where it is, if it is kept as a whole
   * @returns `undefined` when Redis is in trouble
   */
  async join(
    name: string,
    sealer: Sealer,
    answer?: string,
  ): Promise<Leader | Follower | undefined> {
    if (!this.#isListening) void this.#listen();
    const place = {
      name,
      sealer,
      store: this.#store,
      leaseMs: this.#leaseMs,
      process: this.#process,
      channelPrefix: this.#notices.nameOf(CHANNELS),
    };
    const token = randomUUID();
    this.#joining.set(name, (this.#joining.get(name) ?? 0) + 1);
    const lead = await joinFlight(place, token, answer).finally(() => this.#joined(name));
    if (lead === undefined) return undefined;
    const log = new FlightLog(place, lead.token);
    if (lead.token === token) {
      const { mayBeAnswered } = lead;
      const onLeft = (): void => this.#remove(name, party);
      const party: Leader = new Leader(log, { leaseMs: this.#leaseMs, mayBeAnswered, onLeft });
      this.#add(name, party);
      return party;
    }
    const party: Follower = new Follower(log, this.#leaseMs, () => {
      this.#remove(name, party);
      // Who joins at this moment has told the leader, and is not to be taken back.
      return !this.#parties.has(name) && !this.#joining.has(name);
    });
    this.#add(name, party);
    return party;
  }

  #joined(name: string): void {
    const others = (this.#joining.get(name) ?? 1) - 1;
    if (others === 0) this.#joining.delete(name);
    else this.#joining.set(name, others);
  }

  async #listen(): Promise<void> {
    this.#isListening = true;
    try {
      await this.#notices.listen(CHANNELS + this.#process, (name) => {
        for (const party of this.#parties.get(name) ?? []) party.noticed();
      });
    } catch {
      // The parties look by themselves as well; the next one tries again.
      this.#isListening = false;
    }
    // Notices that were sent before are lost.
    for (const parties of this.#parties.values()) for (const party of parties) party.look();
  }

  #add(name: string, party: Leader | Follower): void {
    const parties = this.#parties.get(name);
    if (parties === undefined) this.#parties.set(name, new Set([party]));
    else parties.add(party);
  }

  #remove(name: string, party: Leader | Follower): void {
    const parties = this.#parties.get(name);
    parties?.delete(party);
    if (parties?.size === 0) this.#parties.delete(name);
  }
}
