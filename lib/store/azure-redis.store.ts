import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { KeyvStoreAdapter } from 'keyv';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { AzureRedisClient } from '../client/create-client.js';
import type { ByteStore } from './byte-store.interface.js';
import type { OperationKind, StoreGuard } from './store-guard.js';

/** Keys per SCAN step and per batch of UNLINK. */
const SCAN_COUNT = 500;
/** Limit of one step of clear() and iterator(), which are not on a request's path. */
const SCAN_DEADLINE_MS = 10_000;

type Entry = { key: string; value: unknown; ttl?: number };

/**
 * Keyv 5 storage adapter over ioredis, standalone or cluster.
 *
 * Every key is `<prefix>:<key>` in Redis; nothing outside the prefix is ever touched. Reads and
 * writes are fail-open: when Redis is slow or gone a read is a miss and a write is dropped,
 * within the deadline.
 *
 * @see https://keyv.org/docs/keyv/#official-storage-adapters
 * @publicApi
 */
export class AzureRedisStore extends EventEmitter implements KeyvStoreAdapter, ByteStore {
  /** Keyv looks here to learn that the adapter can iterate. */
  readonly opts: { readonly dialect: 'redis'; readonly url: 'redis:' } = {
    dialect: 'redis',
    url: 'redis:',
  };
  /** Set by Keyv: limits clear() and iterator(), whose keys Keyv has prefixed with it. */
  namespace?: string | undefined;
  readonly #client: AzureRedisClient;
  readonly #guard: StoreGuard;
  readonly #prefix: string;

  /** @param prefix starts every key in Redis */
  constructor(client: AzureRedisClient, guard: StoreGuard, prefix: string) {
    super();
    this.#client = client;
    this.#guard = guard;
    this.#prefix = `${prefix}:`;
  }

  /** Reads and writes that failed or were skipped because of trouble, since the start. */
  get failures(): Readonly<Record<OperationKind, number>> {
    return this.#guard.failures;
  }

  get<Value>(key: string): Promise<Value | undefined> {
    return this.#read(async () => fromRedis(await this.#client.get(this.#keyOf(key))), undefined);
  }

  getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    return this.#read(
      async () => (await this.#readMany(keys)).map((text) => fromRedis<Value>(text)),
      keys.map(() => undefined),
    );
  }

  /** @param ttl milliseconds; without it the entry has no expiry */
  set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    return this.#write(async () => {
      await this.#setOne({ key, value, ...(ttl !== undefined && { ttl }) });
      return true;
    }, false);
  }

  setMany(entries: Entry[]): Promise<void> {
    return this.#write(async () => {
      await Promise.all(entries.map((entry) => this.#setOne(entry)));
    }, undefined);
  }

  delete(key: string): Promise<boolean> {
    return this.deleteMany([key]);
  }

  deleteMany(keys: string[]): Promise<boolean> {
    return this.#write(
      async () => (await this.#unlink(keys.map((key) => this.#keyOf(key)))) > 0,
      false,
    );
  }

  has(key: string): Promise<boolean> {
    return this.#read(async () => (await this.#client.exists(this.#keyOf(key))) === 1, false);
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return this.#read(
      () =>
        Promise.all(keys.map(async (key) => (await this.#client.exists(this.#keyOf(key))) === 1)),
      keys.map(() => false),
    );
  }

  /**
   * Deletes what has the prefix (and Keyv's namespace), by SCAN and UNLINK.
   *
   * @throws AzureRedisError `DEADLINE_EXCEEDED`: unlike a write, a clear that did not happen is
   *   not passed over in silence
   */
  async clear(): Promise<void> {
    for await (const keys of this.#scan(this.namespace)) {
      await inTime(this.#unlink(keys));
    }
  }

  async *iterator<Value>(
    namespace?: string,
  ): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    for await (const keys of this.#scan(namespace)) {
      const names = keys.map((key) => key.slice(this.#prefix.length));
      const values = await inTime(this.#readMany(names));
      for (const [index, name] of names.entries()) {
        yield [name, fromRedis<Awaited<Value>>(values[index])];
      }
    }
  }

  /** The client belongs to the module, which closes it after the last request. */
  async disconnect(): Promise<void> {}

  getBytes(key: string): Promise<Buffer | undefined> {
    return this.#read(
      async () => (await this.#client.getBuffer(this.#keyOf(key))) ?? undefined,
      undefined,
    );
  }

  setBytes(key: string, bytes: Buffer, ttlMs: number): Promise<boolean> {
    return this.#write(async () => {
      await this.#client.set(this.#keyOf(key), bytes, 'PX', ttlMs);
      return true;
    }, false);
  }

  deleteBytes(key: string): Promise<boolean> {
    return this.delete(key);
  }

  #read<T>(operation: () => Promise<T>, miss: T): Promise<T> {
    return this.#guard.run('read', operation, miss);
  }

  #write<T>(operation: () => Promise<T>, dropped: T): Promise<T> {
    return this.#guard.run('write', operation, dropped);
  }

  #keyOf(key: string): string {
    return this.#prefix + key;
  }

  /** Keys of a cluster live in different slots, where MGET and multi-key UNLINK are refused. */
  async #readMany(keys: string[]): Promise<(string | null)[]> {
    if (keys.length === 0) return [];
    const client = this.#client;
    const names = keys.map((key) => this.#keyOf(key));
    return client.isCluster
      ? Promise.all(names.map((name) => client.get(name)))
      : client.mget(names);
  }

  async #unlink(names: string[]): Promise<number> {
    if (names.length === 0) return 0;
    const client = this.#client;
    if (!client.isCluster) return client.unlink(names);
    const counts = await Promise.all(names.map((name) => client.unlink(name)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #setOne({ key, value, ttl }: Entry): Promise<void> {
    const name = this.#keyOf(key);
    const data = toRedis(value);
    if (ttl === undefined) await this.#client.set(name, data);
    else await this.#client.set(name, data, 'PX', Math.max(1, Math.ceil(ttl)));
  }

  /** Names (with prefix) in batches; each master of a cluster has its own keys. */
  async *#scan(namespace: string | undefined): AsyncGenerator<string[]> {
    const prefix =
      this.#prefix + (namespace === undefined || namespace === '' ? '' : `${namespace}:`);
    for (const node of mastersOf(this.#client)) {
      let cursor = '0';
      do {
        const [next, names] = await inTime(
          node.scan(cursor, 'MATCH', `${escapeGlob(prefix)}*`, 'COUNT', SCAN_COUNT),
        );
        cursor = next;
        if (names.length > 0) yield names;
      } while (cursor !== '0');
    }
  }
}

function mastersOf(client: AzureRedisClient): Pick<Redis, 'scan'>[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}

function inTime<T>(step: Promise<T>): Promise<T> {
  return withDeadline(
    step,
    SCAN_DEADLINE_MS,
    () =>
      new AzureRedisError(
        'DEADLINE_EXCEEDED',
        `Redis did not answer within ${SCAN_DEADLINE_MS} ms; the cache is cleared or listed only in part. Try again.`,
      ),
  );
}

function escapeGlob(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}

/** Keyv hands over text it has serialized; `Buffer`s come from adapters used without Keyv. */
function toRedis(value: unknown): string | Buffer {
  return Buffer.isBuffer(value) ? value : String(value);
}

/** Keyv types the adapter by its own value type and expects back the text it stored. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function fromRedis<Value>(text: string | null | undefined): Value | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return (text ?? undefined) as Value | undefined;
}
