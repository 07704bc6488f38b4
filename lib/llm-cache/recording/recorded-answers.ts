import type { ByteStore } from '../../store/byte-store.interface.js';
import { decodeEntry, encodeEntry, type Entry } from './entry.js';

/**
 * Reads and writes entries. No trouble of the store reaches the caller: a read is a miss, a
 * write is dropped, and `onStoreState` is told.
 */
export class RecordedAnswers {
  readonly #store: ByteStore;
  readonly #onStoreState: (isWorking: boolean) => void;

  constructor(store: ByteStore, onStoreState: (isWorking: boolean) => void) {
    this.#store = store;
    this.#onStoreState = onStoreState;
  }

  async find(key: string): Promise<Entry | undefined> {
    const bytes = await this.#attempt(() => this.#store.getBytes(key));
    if (bytes === undefined) return undefined;
    const entry = read(key, bytes);
    // Not awaited: the handler need not wait for the clean-up.
    if (entry === undefined) void this.delete(key);
    return entry;
  }

  /** Something else than entries, in the order of the keys. */
  async findMany<T>(
    keys: readonly string[],
    decode: (key: string, bytes: Buffer) => T | undefined,
  ): Promise<(T | undefined)[]> {
    const found = await this.#attempt(() => this.#store.getManyBytes(keys));
    return keys.map((key, index) => {
      const bytes = found?.[index];
      return bytes && decode(key, bytes);
    });
  }

  /** Resolves when Redis has confirmed, or will not; never rejects. */
  async record(key: string, entry: Entry): Promise<void> {
    await this.#attempt(() => this.#store.setBytes(key, encodeEntry(key, entry), entry.ttlMs));
  }

  async recordBytes(key: string, bytes: Buffer, ttlMs: number): Promise<void> {
    await this.#attempt(() => this.#store.setBytes(key, bytes, ttlMs));
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#attempt(() => this.#store.deleteBytes(key))) === true;
  }

  async #attempt<T>(operation: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await operation();
      this.#onStoreState(true);
      return result;
    } catch {
      this.#onStoreState(false);
      return undefined;
    }
  }
}

function read(key: string, bytes: Buffer): Entry | undefined {
  try {
    return decodeEntry(key, bytes);
  } catch {
    return undefined;
  }
}
