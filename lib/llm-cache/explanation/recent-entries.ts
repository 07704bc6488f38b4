import { createHash } from 'node:crypto';
import type { ScriptStore } from '../../store/script-store.interface.js';
import { COMPARED_NAMES, type ComparedName, type RequestDigests } from './component-digests.js';
import { nearestOf, type Neighbour, type RecentEntry } from './difference.js';
import { addRecent, readRecent, RECENT_MS, type RecentRecord } from './recent-list.js';

/** Names in Redis: the first for writing, all for finding. */
export type NamesOf = (name: string) => readonly [string, ...string[]];

/** What has changed around the same request. */
const AROUND_THE_REQUEST: ReadonlySet<ComparedName> = new Set(['epoch', 'policy']);

/** Times of the list that all principals share: exact ones would tell which lists belong together. */
const SHARED_UNIT_MS = 60 * 60 * 1000;

/**
 * Digests of the entries that were stored last: a list for each principal and route, and one for
 * each route that says of no entry whose it is.
 */
export class RecentEntries {
  readonly #store: ScriptStore;
  readonly #namesOf: NamesOf;
  readonly #now: () => number;

  constructor(store: ScriptStore, namesOf: NamesOf, now: () => number = Date.now) {
    this.#store = store;
    this.#namesOf = namesOf;
    this.#now = now;
  }

  /** Resolves when Redis has confirmed, or will not; never rejects. */
  async remember({ route, principal, components, ofAnyPrincipal }: RequestDigests): Promise<void> {
    const time = this.#now();
    const digests = COMPARED_NAMES.map((name) => components.get(name) ?? '');
    try {
      const [own] = this.#keysOf(route, principal);
      const [shared] = this.#keysOf(route);
      // One after the other: what is not in its own list would be taken for somebody else's.
      if (!(await addRecent(this.#store, own, { digests, time }))) return;
      await addRecent(this.#store, shared, {
        digests: [ofAnyPrincipal],
        time: Math.floor(time / SHARED_UNIT_MS),
      });
    } catch {
      // A miss will not be explained.
    }
  }

  /**
   * The nearest entry: of the same request of this principal; then, if `isPrincipalTold`, of the
   * same request of another principal; then of another request of this principal.
   *
   * @returns `undefined` if there is none or Redis is in trouble; never rejects
   */
  async nearest(
    wanted: RequestDigests,
    isPrincipalTold: boolean,
  ): Promise<Neighbour | 'another principal' | undefined> {
    try {
      const own = await this.#read(this.#keysOf(wanted.route, wanted.principal));
      if (own === undefined) return undefined;
      const neighbour = nearestOf(wanted.components, entriesOf(own, this.#now() - RECENT_MS));
      if (!isPrincipalTold) return neighbour;
      if (neighbour?.differs.every((name) => AROUND_THE_REQUEST.has(name))) return neighbour;
      return (await this.#isShared(wanted)) ? 'another principal' : neighbour;
    } catch {
      return undefined;
    }
  }

  async #isShared({ route, ofAnyPrincipal }: RequestDigests): Promise<boolean> {
    const records = await this.#read(this.#keysOf(route));
    // As long as records of one's own are looked at, or else an own one would be taken for
    // somebody else's.
    const since = Math.ceil((this.#now() - RECENT_MS) / SHARED_UNIT_MS);
    return (
      records?.some(({ digests, time }) => digests[0] === ofAnyPrincipal && time >= since) ?? false
    );
  }

  async #read(keys: readonly string[]): Promise<readonly RecentRecord[] | undefined> {
    const lists = await Promise.all(keys.map((key) => readRecent(this.#store, key)));
    const known = lists.filter((list) => list !== undefined);
    return known.length === lists.length ? known.flat() : undefined;
  }

  /** @param whose a route, or a route and a principal */
  #keysOf(...whose: readonly string[]): readonly [string, ...string[]] {
    const name = createHash('sha256')
      .update(JSON.stringify(['recent', ...whose]))
      .digest('base64url');
    const [first, ...others] = this.#namesOf(name);
    return [`llm:recent:${first}`, ...others.map((other) => `llm:recent:${other}`)];
  }
}

/** Those of another version have other digests. */
function entriesOf(records: readonly RecentRecord[], sinceMs: number): readonly RecentEntry[] {
  return records
    .filter(({ digests, time }) => digests.length === COMPARED_NAMES.length && time >= sinceMs)
    .map(({ digests, time }) => ({
      digests: new Map(COMPARED_NAMES.map((name, index) => [name, digests[index] ?? ''])),
      storedAtMs: time,
    }));
}
