import { EventEmitter } from 'node:events';
import { Command, type Redis } from 'ioredis';
import type { KeyvStoreAdapter } from 'keyv';
import { withDeadline } from '../azure-redis.deadline.js';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { AzureRedisClient } from '../client/create-client.js';
import type { ByteStore } from './byte-store.interface.js';
import type { NearChanges } from './near-cache.js';
import type { RedisScript, ScriptReply, ScriptStore } from './script-store.interface.js';
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
 * writes are fail-open: when Redis is slow or gone a read is a miss and a write is given up,
 * within the deadline.
 *
 * @see https://keyv.org/docs/keyv/#official-storage-adapters
 * @publicApi
 */
export class AzureRedisStore
  extends EventEmitter
  implements KeyvStoreAdapter, ByteStore, ScriptStore
{
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
  readonly #near: NearChanges | undefined;

  /**
   * @param prefix starts every key in Redis
   * @param near what is remembered of it, to be told of changes
   */
  constructor(client: AzureRedisClient, guard: StoreGuard, prefix: string, near?: NearChanges) {
    super();
    this.#client = client;
    this.#guard = guard;
    this.#prefix = `${prefix}:`;
    this.#near = near;
  }

  /** Reads and writes that failed or were skipped because of trouble, since the start. */
  get failures(): Readonly<Record<OperationKind, number>> {
    return this.#guard.failures;
  }

  /** What has gone wrong of late, for health checks. @internal */
  get trouble(): StoreGuard['trouble'] {
    return this.#guard.trouble;
  }

  get<Value>(key: string): Promise<Value | undefined> {
    return this.#run(
      'read',
      'GET',
      key,
      async (name) => fromRedis(await this.#client.get(name)),
      undefined,
    );
  }

  async getMany<Value>(keys: string[]): Promise<(Value | undefined)[]> {
    const found = new Map<string, Value | undefined>();
    await this.#runEach('read', 'MGET', keys, async (names) => {
      const texts = await this.#readMany(names);
      names.forEach((name, index) => found.set(name, fromRedis<Value>(texts[index])));
    });
    return keys.map((key) => found.get(this.#nameOf(key)));
  }

  /**
   * @param ttl milliseconds; without it the entry has no expiry
   * @returns whether Redis confirmed in time; a write that was under way may still be applied
   */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const operation = async (name: string): Promise<boolean> => {
      await this.#setOne(name, toRedis(value), ttl);
      return true;
    };
    const isSet = await this.#run('write', 'SET', key, operation, false);
    // Behind the write: what is read before is not remembered.
    this.#near?.overwritten(key);
    return isSet;
  }

  async setMany(entries: Entry[]): Promise<void> {
    await Promise.all(entries.map(({ key, value, ttl }) => this.set(key, value, ttl)));
  }

  delete(key: string): Promise<boolean> {
    return this.deleteMany([key]);
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    let deleted = 0;
    await this.#runEach('write', 'UNLINK', keys, async (names) => {
      deleted += await this.#unlink(names);
    });
    for (const key of keys) this.#near?.forget(key);
    return deleted > 0;
  }

  has(key: string): Promise<boolean> {
    const operation = async (name: string): Promise<boolean> =>
      (await this.#client.exists(name)) === 1;
    return this.#run('read', 'EXISTS', key, operation, false);
  }

  hasMany(keys: string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.has(key)));
  }

  /**
   * Deletes what has the prefix (and Keyv's namespace), by SCAN and UNLINK.
   *
   * @throws AzureRedisError `DEADLINE_EXCEEDED`, or the error of ioredis: unlike a write, a clear
   *   that did not happen is not passed over in silence
   */
  async clear(): Promise<void> {
    try {
      for await (const keys of this.#scan(this.namespace)) {
        await inTime(this.#unlink(keys));
      }
    } finally {
      this.#near?.forgetAll();
    }
  }

  async *iterator<Value>(
    namespace?: string,
  ): AsyncGenerator<(string | Awaited<Value> | undefined)[], void> {
    for await (const keys of this.#scan(namespace)) {
      const values = await inTime(this.#readMany(keys));
      for (const [index, key] of keys.entries()) {
        yield [key.slice(this.#prefix.length), fromRedis<Awaited<Value>>(values[index])];
      }
    }
  }

  /** The client belongs to the module, which closes it after the last request. */
  async disconnect(): Promise<void> {}

  getBytes(key: string): Promise<Buffer | undefined> {
    const operation = async (name: string): Promise<Buffer | undefined> =>
      (await this.#client.getBuffer(name)) ?? undefined;
    return this.#run('read', 'GET', key, operation, undefined);
  }

  async getManyBytes(keys: readonly string[]): Promise<(Buffer | undefined)[]> {
    const found = new Map<string, Buffer>();
    await this.#runEach('read', 'MGET', [...keys], async (names) => {
      const client = this.#client;
      const values = await (client.isCluster
        ? Promise.all(names.map((name) => client.getBuffer(name)))
        : client.mgetBuffer(names));
      names.forEach((name, index) => {
        const value = values[index];
        if (value) found.set(name, value);
      });
    });
    return keys.map((key) => found.get(this.#nameOf(key)));
  }

  setBytes(key: string, bytes: Buffer, ttlMs: number): Promise<boolean> {
    return this.set(key, bytes, ttlMs);
  }

  deleteBytes(key: string): Promise<boolean> {
    return this.delete(key);
  }

  runScript(
    kind: OperationKind,
    script: RedisScript,
    keys: readonly [string, ...string[]],
    args: readonly (string | number | Buffer)[],
  ): Promise<ScriptReply | undefined> {
    const names = keys.map((key) => this.#nameOf(key));
    const operation = (): Promise<ScriptReply> => this.#runScript(script, names, args);
    return this.#run<ScriptReply | undefined>(kind, 'EVALSHA', keys[0], operation, undefined);
  }

  async #runScript(
    { sha1, lua }: RedisScript,
    names: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<ScriptReply> {
    const rest = [names.length, ...names, ...args] as const;
    try {
      return toReply(await this.#client.callBuffer('evalsha', sha1, ...rest));
    } catch (error) {
      // After a restart or a failover, or on another node of the cluster.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return toReply(await this.#client.callBuffer('eval', lua, ...rest));
    }
  }

  #run<T>(
    kind: OperationKind,
    command: string,
    key: string,
    operation: (name: string) => Promise<T>,
    fallback: T,
  ): Promise<T> {
    const name = this.#nameOf(key);
    return this.#guard.run(kind, this.#nodeOf(name), () => operation(name), fallback, command);
  }

  /** One operation for the keys of each node, so that a node in trouble costs its own keys only. */
  async #runEach(
    kind: OperationKind,
    command: string,
    keys: string[],
    operation: (names: string[]) => Promise<void>,
  ): Promise<void> {
    const byNode = new Map<string, string[]>();
    for (const key of keys) {
      const name = this.#nameOf(key);
      const node = this.#nodeOf(name);
      const names = byNode.get(node);
      if (names === undefined) byNode.set(node, [name]);
      else names.push(name);
    }
    await Promise.all(
      [...byNode].map(([node, names]) =>
        this.#guard.run(kind, node, () => operation(names), undefined, command),
      ),
    );
  }

  #nameOf(key: string): string {
    return this.#prefix + key;
  }

  /** The node of a cluster that owns the key now. */
  #nodeOf(name: string): string {
    if (!('slots' in this.#client)) return '';
    const slot = new Command('get', [name]).getSlot();
    return this.#client.slots[slot ?? 0]?.[0] ?? '';
  }

  /** Keys of a cluster live in different slots, where MGET and multi-key UNLINK are refused. */
  async #readMany(names: string[]): Promise<(string | null)[]> {
    const client = this.#client;
    return client.isCluster
      ? Promise.all(names.map((name) => client.get(name)))
      : client.mget(names);
  }

  async #unlink(names: string[]): Promise<number> {
    const client = this.#client;
    if (!client.isCluster) return client.unlink(names);
    const counts = await Promise.all(names.map((name) => client.unlink(name)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #setOne(name: string, data: string | Buffer, ttl: number | undefined): Promise<void> {
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

function toReply(reply: unknown): ScriptReply {
  if (typeof reply === 'number' || Buffer.isBuffer(reply)) return reply;
  return Array.isArray(reply) ? reply.map(toReply) : null;
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
