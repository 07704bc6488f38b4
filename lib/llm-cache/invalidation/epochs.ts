import { AzureRedisError } from '../../azure-redis.errors.js';
import type { ScriptStore } from '../../store/script-store.interface.js';
import type { Notices } from '../../store/redis-notices.js';
import { EpochExchange } from './epoch-exchange.js';
import { EPOCHS_KEY } from './epoch-script.js';
import { ALL, nameDigest } from './epoch-names.js';

/** Oldest knowledge of Redis by which answers are given. */
const MAX_AGE_MS = 500;
/** While there are look-ups, they find fresh epochs and do not wait. */
const POLL_MS = 250;
/** Look-ups have ended when there was none for so long. */
const IDLE_MS = 5_000;

const MAX_NAMES = 100_000;
const PAGE_SIZE = 5_000;

const TEXT = /^(.+):(\d+)$/s;

/** Which invalidation was the last that concerns a request; one of all answers concerns each. */
export interface Epoch {
  /** The same for two requests only if no invalidation lies between them. */
  readonly text: string;
  /** Grows with each invalidation; counts from 0 again under another base. */
  readonly version: number;
  /**
   * Whether every invalidation that was confirmed 500 ms before the look-up is taken into account.
   * If not, Redis is in trouble, and no answer may be served by this epoch. What is stored under
   * it is found only if the epoch was right.
   */
  readonly isFresh: boolean;
}

export interface EpochsOptions {
  /** Of the cache; keys the digests of names. */
  readonly namespace: string;
  /**
   * What stands in Redis for the digest of a name: several texts while secrets are rotated.
   * @default the digest itself
   */
  readonly namesOf?: (digest: string) => readonly [string, ...string[]];
  /** By which other processes tell of an invalidation; without it, it is found out. */
  readonly notices?: Notices | undefined;
  /** Names that may be in Redis before all answers are invalidated instead. @default 100000 */
  readonly maxNames?: number;
  /** Versions per reply of Redis. @default 5000 */
  readonly pageSize?: number;
}

/**
 * Invalidation of stored answers, however many, in one step. Each invalidation of a name gets a
 * version; an answer is good as long as none of the names of its request has a newer one than it
 * had when the answer was asked for. All processes follow the versions in Redis, and honour an
 * invalidation within 1 s; the process that invalidates does so at once.
 *
 * Names that were lost from Redis invalidate everything.
 */
export class Epochs {
  readonly #exchange: EpochExchange;
  readonly #membersOf: (name: string) => readonly string[];
  readonly #notices: Notices | undefined;
  #isTold = false;
  #usedAt = -Infinity;
  #watchedSince = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(store: ScriptStore, options: EpochsOptions) {
    const { namespace, namesOf, notices, maxNames = MAX_NAMES, pageSize = PAGE_SIZE } = options;
    const digest = nameDigest(namespace);
    this.#membersOf = (name) => namesOf?.(digest(name)) ?? [digest(name)];
    this.#notices = notices;
    this.#exchange = new EpochExchange(store, { maxNames, pageSize });
  }

  /**
   * The epoch of a request with these names. Waits for Redis when too little is known of it, at
   * most for the deadline of the store, and in trouble not at all.
   */
  async epochOf(names: readonly string[]): Promise<Epoch> {
    return this.current(names) ?? this.#refreshed(names);
  }

  /** Like {@link epochOf}, if that need not ask Redis. */
  current(names: readonly string[]): Epoch | undefined {
    this.#watch();
    const isFresh = this.#exchange.knownAt >= this.#usedAt - MAX_AGE_MS;
    return isFresh ? this.#epoch(names, isFresh) : undefined;
  }

  /** The text of the last invalidation that this process has heard of, whatever it concerns. */
  get newest(): string {
    const { base = 'unknown', newestVersion } = this.#exchange.mirror;
    return `${base}:${newestVersion}`;
  }

  /**
   * Whether an answer that was asked for under an epoch is still good: not if one of the names
   * has been invalidated since, nor if Redis has lost its epochs. As fresh as the last look-up.
   */
  isCurrent(epochText: string, names: readonly string[]): boolean {
    const [, base, version] = TEXT.exec(epochText) ?? [];
    return base === this.#exchange.mirror.base && Number(version) >= this.#versionOf(names);
  }

  /**
   * Makes every answer unreachable that was asked for before, by a request with one of the names.
   *
   * @throws AzureRedisError `DEADLINE_EXCEEDED` when Redis did not confirm: it is in trouble, or
   *   too slow. The invalidation may still have come about.
   */
  async invalidate(names: readonly string[]): Promise<void> {
    // Who invalidates is the first to see that a failover has lost it.
    this.#watch();
    const members = names.flatMap(this.#membersOf);
    if (await this.#exchange.invalidate(members)) return;
    throw new AzureRedisError(
      'DEADLINE_EXCEEDED',
      'Redis did not confirm the invalidation in time ("cache.deadlineMs"), or refused it; stored answers may still be served. Invalidate again.',
    );
  }

  /** Ends the polls. */
  close(): void {
    this.#isClosed = true;
    this.#rest();
  }

  async #refreshed(names: readonly string[]): Promise<Epoch> {
    // In trouble the polls find out when it is over, and nobody waits for them.
    const { failedAt } = this.#exchange;
    const isInTrouble = failedAt !== undefined && failedAt >= this.#watchedSince;
    const isFresh = !isInTrouble && (await this.#exchange.refresh(this.#usedAt - MAX_AGE_MS));
    return this.#epoch(names, isFresh);
  }

  #epoch(names: readonly string[], isFresh: boolean): Epoch {
    const { base = 'unknown' } = this.#exchange.mirror;
    const version = this.#versionOf(names);
    return { text: `${base}:${version}`, version, isFresh };
  }

  #versionOf(names: readonly string[]): number {
    const { mirror } = this.#exchange;
    // Digests take longer than all the rest.
    if (mirror.isEmpty) return 0;
    let newest = 0;
    for (const name of [ALL, ...names]) {
      for (const member of this.#membersOf(name)) {
        newest = Math.max(newest, mirror.versionOf(member));
      }
    }
    return newest;
  }

  #watch(): void {
    this.#usedAt = performance.now();
    if (this.#isClosed || this.#timer !== undefined) return;
    this.#watchedSince = this.#usedAt;
    if (!this.#isTold) this.#listen();
    this.#timer = setInterval(() => this.#poll(), POLL_MS).unref();
  }

  #listen(): void {
    this.#isTold = true;
    this.#notices
      ?.listen(EPOCHS_KEY, () => void this.#exchange.refresh(Infinity))
      // The polls find out; the next one who watches asks again.
      .catch(() => (this.#isTold = false));
  }

  #poll(): void {
    if (performance.now() - this.#usedAt > IDLE_MS) this.#rest();
    else if (!this.#exchange.isUnderWay) void this.#exchange.refresh(Infinity);
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
