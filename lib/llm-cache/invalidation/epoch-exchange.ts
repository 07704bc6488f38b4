import { randomBytes } from 'node:crypto';
import type { ScriptStore } from '../../store/script-store.interface.js';
import { EpochMirror } from './epoch-mirror.js';
import { EPOCHS_KEY, EXCHANGE_EPOCHS, readChanges, type EpochChanges } from './epoch-script.js';

/** Names that one script invalidates; Redis does nothing else meanwhile. */
const NAMES_PER_SCRIPT = 1_000;

export interface ExchangeLimits {
  /** More names in Redis invalidate everything, instead of taking up more of its memory. */
  readonly maxNames: number;
  /** Versions per reply of Redis. */
  readonly pageSize: number;
}

/**
 * Keeps the mirror like the set in Redis. One exchange at a time: replies that overtook each
 * other, as they can in a cluster, would turn the mirror back.
 */
export class EpochExchange {
  readonly mirror = new EpochMirror();
  readonly #store: ScriptStore;
  readonly #limits: ExchangeLimits;
  #knownAt = -Infinity;
  #failedAt: number | undefined;
  #current: { readonly sentAt: number; readonly isDone: Promise<boolean> } | undefined;
  /** The exchange behind the current one, for all who come meanwhile. */
  #next: Promise<boolean> | undefined;
  #waiting: string[] = [];

  constructor(store: ScriptStore, limits: ExchangeLimits) {
    this.#store = store;
    this.#limits = limits;
  }

  /** When the mirror was last known to be whole, by `performance.now()`. */
  get knownAt(): number {
    return this.#knownAt;
  }

  /** When Redis failed, if it has not answered since. */
  get failedAt(): number | undefined {
    return this.#failedAt;
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  /** @returns whether the mirror is now as Redis was at that time, or later */
  refresh(since: number): Promise<boolean> {
    const current = this.#current;
    return current !== undefined && current.sentAt >= since ? current.isDone : this.invalidate([]);
  }

  /** @returns whether Redis confirmed, and the mirror knows of it */
  invalidate(names: readonly string[]): Promise<boolean> {
    // The next one comes first: between two exchanges neither is under way.
    if (this.#next === undefined && this.#current === undefined) return this.#send(names);
    for (const name of names) this.#waiting.push(name);
    this.#next ??= this.#sendNext(this.#current?.isDone);
    return this.#next;
  }

  async #sendNext(current: Promise<boolean> | undefined): Promise<boolean> {
    await current;
    const names = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    return this.#send(names);
  }

  #send(names: readonly string[]): Promise<boolean> {
    const sentAt = performance.now();
    const isDone = this.#talk(names).finally(() => {
      this.#current = undefined;
    });
    this.#current = { sentAt, isDone };
    return isDone;
  }

  /** Until all names are invalidated and the last page is here. */
  async #talk(names: readonly string[]): Promise<boolean> {
    for (let sent = 0; ; sent += NAMES_PER_SCRIPT) {
      const sentAt = performance.now();
      const changes = await this.#ask(names.slice(sent, sent + NAMES_PER_SCRIPT));
      if (changes === undefined) {
        this.#failedAt = performance.now();
        return false;
      }
      // Under a new base the mirror is not whole before the last page.
      if (!this.mirror.apply(changes)) this.#knownAt = -Infinity;
      const isLastPage = changes.versions.length < this.#limits.pageSize;
      if (isLastPage && sent + NAMES_PER_SCRIPT >= names.length) {
        this.#knownAt = sentAt;
        this.#failedAt = undefined;
        return true;
      }
    }
  }

  async #ask(names: readonly string[]): Promise<EpochChanges | undefined> {
    const { base = '', newestVersion, newestName } = this.mirror;
    const { maxNames, pageSize } = this.#limits;
    const newBase = `base:${randomBytes(12).toString('base64url')}`;
    const known = [base, newestVersion, newestName, newBase, maxNames, pageSize];
    const reply = await this.#store
      .runScript('write', EXCHANGE_EPOCHS, [EPOCHS_KEY], [...known, ...names])
      // A store of the user's may throw, and a poll has nobody to tell.
      .catch(() => undefined);
    return readChanges(reply);
  }
}
