import type { ByteStore } from './byte-store.interface.js';
import type { NearCache } from './near-cache.js';

/** A store whose bytes this process remembers as they are. */
export class NearByteStore implements ByteStore {
  readonly #store: ByteStore;
  readonly #near: NearCache<Buffer>;

  constructor(store: ByteStore, near: NearCache<Buffer>) {
    this.#store = store;
    this.#near = near;
  }

  async getBytes(key: string): Promise<Buffer | undefined> {
    const near = this.#near.get(key);
    if (near !== undefined) return near;
    const since = this.#near.changes;
    const bytes = await this.#store.getBytes(key);
    if (bytes === undefined) return undefined;
    // A copy of its own: ioredis gives a part of all that came at that time.
    const value = Buffer.from(bytes);
    this.#near.remember(key, { value, bytes: value.length, since });
    return value;
  }

  getManyBytes(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    return this.#store.getManyBytes(keys);
  }

  async setBytes(key: string, bytes: Buffer, ttlMs: number): Promise<boolean> {
    const isSet = await this.#store.setBytes(key, bytes, ttlMs);
    this.#near.overwritten(key);
    return isSet;
  }

  async deleteBytes(key: string): Promise<boolean> {
    const isDeleted = await this.#store.deleteBytes(key);
    this.#near.forget(key);
    return isDeleted;
  }
}
