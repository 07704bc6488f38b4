import { LRUCache } from 'lru-cache';
import type { Notices } from './redis-notices.js';

/** How much a process may remember of Redis, and for how long. */
export interface NearCacheLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** After which Redis is asked again: what other processes change is seen by then. */
  readonly maxAgeMs: number;
}

/** A value with what must be known of it to remember it. */
export interface Remembered<Value> {
  readonly value: Value;
  readonly bytes: number;
  /** What is left of its lifetime in Redis, in milliseconds. @default unlimited */
  readonly leftMs?: number;
  /** Of the time before Redis was asked for it. */
  readonly since: number;
}

/** Whom a store tells of its changes. */
export type NearChanges = Pick<NearCache<object>, 'overwritten' | 'forget' | 'forgetAll'>;

/** All is forgotten. */
const ALL = '';
/** After so many milliseconds it asks again to be told. */
const LISTEN_AGAIN_MS = 1_000;

/**
 * What this process remembers of Redis, for a short time. All processes are told of what one
 * of them deletes; who misses that has forgotten it soon by itself.
 */
export class NearCache<Value extends object> {
  readonly #values: LRUCache<string, Value>;
  readonly #maxAgeMs: number;
  readonly #notices: Notices;
  readonly #channel: string;
  #isListening = false;
  #changes = 0;

  /** @param channel of all who remember the same */
  constructor(
    { maxBytes, maxEntries, maxAgeMs }: NearCacheLimits,
    notices: Notices,
    channel: string,
  ) {
    this.#values = new LRUCache({ maxSize: maxBytes, max: maxEntries });
    this.#maxAgeMs = maxAgeMs;
    this.#notices = notices;
    this.#channel = channel;
  }

  /** Grows when something is forgotten: what was asked for before may be out of date. */
  get changes(): number {
    return this.#changes;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** Nothing is remembered that may have been deleted or overwritten meanwhile. */
  remember(key: string, { value, bytes, leftMs = Infinity, since }: Remembered<Value>): void {
    if (!this.#isListening) this.#listen();
    const ttl = Math.floor(Math.min(leftMs, this.#maxAgeMs));
    if (ttl < 1 || since !== this.#changes) return;
    this.#values.set(key, value, { size: Math.max(1, bytes), ttl });
  }

  /** This process has written something else. */
  overwritten(key: string): void {
    this.#changes += 1;
    this.#values.delete(key);
  }

  /** For all processes. */
  forget(key: string): void {
    this.#forget(key);
    this.#notices.tell(this.#channel, key);
  }

  /** For all processes. */
  forgetAll(): void {
    this.forget(ALL);
  }

  #forget(key: string): void {
    this.#changes += 1;
    if (key === ALL) this.#values.clear();
    else this.#values.delete(key);
  }

  #listen(): void {
    this.#isListening = true;
    this.#notices
      .listen(this.#channel, (key) => this.#forget(key))
      .catch(() => {
        // Meanwhile everything is forgotten soon by itself.
        setTimeout(() => (this.#isListening = false), LISTEN_AGAIN_MS).unref();
      });
  }
}
