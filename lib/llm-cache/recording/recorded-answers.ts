import type { ByteStore } from '../../store/byte-store.interface.js';
import { decodeEntry, encodeEntry, MAX_ENTRY_BYTES, type Entry } from './entry.js';

/** An answer found in the store. */
export interface RecordedAnswer extends Omit<Entry, 'body'> {
  readonly value: unknown;
}

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

  async find(key: string): Promise<RecordedAnswer | undefined> {
    const bytes = await this.#attempt(() => this.#store.getBytes(key));
    if (bytes === undefined) return undefined;
    const answer = read(key, bytes);
    // Not awaited: the handler need not wait for the clean-up.
    if (answer === undefined) void this.#attempt(() => this.#store.deleteBytes(key));
    return answer;
  }

  /** @returns whether the entry is small enough; the write goes on in the background. */
  record(key: string, entry: Entry): boolean {
    const bytes = encodeEntry(key, entry);
    if (bytes.length > MAX_ENTRY_BYTES) return false;
    void this.#attempt(() => this.#store.setBytes(key, bytes, entry.ttlMs));
    return true;
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

function read(key: string, bytes: Buffer): RecordedAnswer | undefined {
  try {
    const entry = decodeEntry(key, bytes);
    if (entry === undefined) return undefined;
    const { body, ...rest } = entry;
    return { ...rest, value: JSON.parse(body) };
  } catch {
    return undefined;
  }
}
