import { Keyv } from 'keyv';
import type { AzureRedisStore } from './azure-redis.store.js';
import type { NearCache } from './near-cache.js';
import { StoredJson } from './stored-json.js';

/** The Keyv of the module's cache manager. */
export class RedisKeyv extends Keyv {
  readonly #adapter: AzureRedisStore;
  readonly #near: NearCache<StoredJson> | undefined;

  constructor(adapter: AzureRedisStore, near: NearCache<StoredJson> | undefined) {
    // The store owns the one prefix; Keyv's default namespace would be a second one.
    super({ store: adapter, namespace: '', useKeyPrefix: false });
    this.#adapter = adapter;
    this.#near = near;
  }

  /** What this process remembers. */
  near(key: string): StoredJson | undefined {
    const near = this.#near?.get(key);
    return near !== undefined && near.expiresAtMs > Date.now() ? near : undefined;
  }

  /** Like `get`, but JSON is not parsed. */
  async getStored(key: string): Promise<unknown> {
    const since = this.#near?.changes ?? 0;
    const envelope = await this.#adapter.getBytes(key);
    if (envelope === undefined) return undefined;
    // A copy of its own: ioredis gives a part of all that came at that time.
    const stored = StoredJson.read(this.#near === undefined ? envelope : Buffer.from(envelope));
    if (stored === undefined) return this.get(key);
    const leftMs = stored.expiresAtMs - Date.now();
    if (leftMs <= 0) return undefined;
    this.#near?.remember(key, { value: stored, bytes: envelope.length, leftMs, since });
    return stored;
  }
}
