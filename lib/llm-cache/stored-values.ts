import type { Cache } from '@nestjs/cache-manager';
import { RedisKeyv } from '../store/redis-keyv.js';
import type { StoredJson } from '../store/stored-json.js';
import { isStreamedAnswer } from './policy/streamed-answer.js';

/** What the stock `CacheInterceptor` keeps in a cache manager, and what it should not. */
export class StoredValues {
  readonly #manager: Cache;
  readonly #onWriteFailure: () => void;
  /** Of the module's own cache manager. */
  readonly #keyv: RedisKeyv | undefined;

  constructor(manager: Cache, onWriteFailure: () => void) {
    this.#manager = manager;
    this.#onWriteFailure = onWriteFailure;
    const [keyv, ...others] = manager.stores;
    this.#keyv = keyv instanceof RedisKeyv && others.length === 0 ? keyv : undefined;
  }

  /** What this process remembers, without asking Redis. */
  near(key: string): StoredJson | undefined {
    return this.#keyv?.near(key);
  }

  /** A `StoredJson` where it can be one. */
  get(key: string): Promise<unknown> {
    return this.#keyv?.getStored(key) ?? this.#manager.get(key);
  }

  /**
   * A streamed answer is never stored, because a cache manager turns it into `{}`; nor is nothing,
   * which is never a hit. Never rejects: the stock interceptor logs the answer with the failure.
   */
  async set(key: string, value: unknown, ttlMs: number | undefined): Promise<void> {
    if (value === undefined || value === null || isStreamedAnswer(value)) return;
    try {
      await this.#manager.set(key, value, ttlMs);
    } catch {
      this.#onWriteFailure();
    }
  }
}
