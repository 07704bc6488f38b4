import type { ByteStore } from '../../store/byte-store.interface.js';
import type { Sealer } from '../sealing/sealer.interface.js';
import { decodeEntry, encodeEntry, type Entry } from './entry.js';

/** Of the names in Redis; entries of other versions are never found. */
const VERSION = 'v3';

/** Where and how the answers of one principal are kept. */
export interface AnswerPlace {
  readonly store: ByteStore;
  /** The names that a key may have in Redis; the first one for writing. */
  namesOf(key: string): readonly [string, ...string[]];
  readonly sealer: Sealer;
  /** Told with each operation. */
  onStoreState(isWorking: boolean): void;
}

/**
 * Reads and writes entries. No trouble of the store reaches the caller: a read is a miss, a
 * write is dropped.
 */
export class RecordedAnswers {
  readonly #place: AnswerPlace;

  constructor(place: AnswerPlace) {
    this.#place = place;
  }

  /** Under which it is written. */
  nameOf(key: string): string {
    return this.#namesOf(key)[0];
  }

  async find(key: string): Promise<Entry | undefined> {
    for (const name of this.#namesOf(key)) {
      const sealed = await this.#attempt(({ store }) => store.getBytes(name));
      if (sealed === undefined) continue;
      const entry = await this.#open(name, sealed, (bytes) => decodeEntry(key, bytes));
      if (entry === 'unknown') continue;
      if (entry !== undefined) return entry;
      // Not awaited: the handler need not wait for the clean-up.
      void this.#attempt(({ store }) => store.deleteBytes(name));
    }
    return undefined;
  }

  /** Something else than entries, in the order of the keys. */
  async findMany<T>(
    keys: readonly string[],
    decode: (key: string, bytes: Buffer) => T | undefined,
  ): Promise<(T | undefined)[]> {
    const names = keys.map((key) => this.#namesOf(key));
    const found = await this.#attempt(({ store }) => store.getManyBytes(names.flat()));
    const byName = new Map(names.flat().map((name, index) => [name, found?.[index]]));
    return Promise.all(
      keys.map(async (key, index) => {
        for (const name of names[index] ?? []) {
          const sealed = byName.get(name);
          if (sealed === undefined) continue;
          const value = await this.#open(name, sealed, (bytes) => decode(key, bytes));
          if (value !== undefined && value !== 'unknown') return value;
        }
        return undefined;
      }),
    );
  }

  /** Resolves when Redis has confirmed, or will not; never rejects. */
  record(key: string, entry: Entry, keptMs: number): Promise<void> {
    return this.#write(key, () => encodeEntry(key, entry), keptMs);
  }

  recordBytes(key: string, bytes: Buffer, keptMs: number): Promise<void> {
    return this.#write(key, () => bytes, keptMs);
  }

  async #write(key: string, encode: () => Buffer, keptMs: number): Promise<void> {
    const name = this.nameOf(key);
    await this.#attempt(async ({ store, sealer }) => {
      const sealed = await sealer.seal(name, encode());
      if (sealed !== undefined) await store.setBytes(name, sealed, keptMs);
    });
  }

  async delete(key: string): Promise<boolean> {
    const deleted = await Promise.all(
      this.#namesOf(key).map((name) => this.#attempt(({ store }) => store.deleteBytes(name))),
    );
    return deleted.includes(true);
  }

  /** The braces keep what belongs to an answer in one slot of a cluster. */
  #namesOf(key: string): readonly [string, ...string[]] {
    const [first, ...others] = this.#place.namesOf(key);
    const nameOf = (name: string): string => `llm:${VERSION}:{${name}}`;
    return [nameOf(first), ...others.map(nameOf)];
  }

  /** @returns `unknown` when Redis cannot tell what it takes to open it */
  async #open<T>(
    name: string,
    sealed: Buffer,
    decode: (bytes: Buffer) => T | undefined,
  ): Promise<T | undefined | 'unknown'> {
    const opened = this.#place.sealer.open(name, sealed);
    const bytes = await opened.catch(() => 'unknown' as const);
    if (bytes === undefined || bytes === 'unknown') return bytes;
    try {
      return decode(bytes);
    } catch {
      // What some other version has written.
      return undefined;
    }
  }

  async #attempt<T>(operation: (place: AnswerPlace) => Promise<T>): Promise<T | undefined> {
    try {
      const result = await operation(this.#place);
      this.#place.onStoreState(true);
      return result;
    } catch {
      this.#place.onStoreState(false);
      return undefined;
    }
  }
}
