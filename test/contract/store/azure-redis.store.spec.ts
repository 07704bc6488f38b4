import { setTimeout as sleep } from 'node:timers/promises';
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite';
import { Keyv } from 'keyv';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import * as test from 'vitest';
import { AzureRedisConnection } from '../../../lib/client/azure-redis-connection.js';
import { resolveAzureRedisOptions } from '../../../lib/options/resolve-options.js';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { EntraTokenManager } from '../../../lib/token/entra-token-manager.js';
import { eventually } from '../../fixtures/eventually.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';

const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } = test;

const DEADLINE_MS = 250;

function connect(azure: LocalAzure, logger = new RecordingLogger()) {
  const options = resolveAzureRedisOptions({
    ...azure.connection,
    credential: azure.credential,
    deadlines: { silenceMs: 1_000 },
  });
  const tokens = new EntraTokenManager(azure.credential, {
    scope: options.scope,
    deadlineMs: 10_000,
  });
  const connection = new AzureRedisConnection(options, tokens, logger);
  void connection.start();
  const { client, availability } = connection;
  const storeWith = (prefix: string, deadlineMs: number) =>
    new AzureRedisStore(
      client,
      new StoreGuard({
        deadlineMs,
        isConnected: () => client.status === 'ready',
        availability,
        logger,
        explain: (error) => connection.explain(error).message,
        settleMs: 0,
      }),
      prefix,
    );
  return { connection, client, logger, storeWith };
}

describe.each(['standalone', 'cluster'] as const)('on a %s', (topology) => {
  let azure: LocalAzure;
  let opened: ReturnType<typeof connect>;

  beforeAll(async () => {
    azure = await startLocalAzure({ topology });
    opened = connect(azure);
    await opened.connection.whenReady(10_000);
  });
  afterAll(async () => {
    await opened.connection.close();
    await azure.stop();
  });

  describe('the Keyv contract', () => {
    // The suite makes several stores per test and expects them to share what they hold.
    const store = () => opened.storeWith('suite', 5_000);
    keyvTestSuite(test, Keyv, store);
    keyvIteratorTests(test, Keyv, store);
  });

  it('puts its prefix before every key, and touches nothing outside of it', async () => {
    const mine = opened.storeWith('mine', 5_000);
    const yours = opened.storeWith('mine2', 5_000);
    await Promise.all([mine.set('a', '1'), yours.set('a', '2'), opened.client.set('mine', '3')]);
    expect(await opened.client.get('mine:a')).toBe('1');
    await mine.clear();
    expect(await mine.get('a')).toBeUndefined();
    expect(await yours.get('a')).toBe('2');
    expect(await opened.client.get('mine')).toBe('3');
  });

  it('clears thousands of keys in batches', async () => {
    const store = opened.storeWith('many', 5_000);
    const entries = Array.from({ length: 3_000 }, (_, index) => ({ key: `k${index}`, value: 'v' }));
    await store.setMany(entries);
    expect(await store.hasMany(['k0', 'k2999', 'other'])).toEqual([true, true, false]);
    await store.clear();
    expect(await store.hasMany(['k0', 'k2999'])).toEqual([false, false]);
  });

  it('reads many keys of different slots in the order asked', async () => {
    const store = opened.storeWith('order', 5_000);
    await store.setMany([
      { key: 'a', value: '1' },
      { key: 'b', value: '2', ttl: 10_000 },
    ]);
    expect(await store.getMany(['b', 'nothing', 'a'])).toEqual(['2', undefined, '1']);
    expect(await opened.client.pttl('order:a')).toBe(-1);
    expect(await opened.client.pttl('order:b')).toBeGreaterThan(9_000);
    expect(await store.deleteMany(['a', 'b'])).toBe(true);
    expect(await store.deleteMany(['a', 'b'])).toBe(false);
  });

  it('keeps bytes as they are, with their TTL', async () => {
    const store = opened.storeWith('bytes', 5_000);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
    expect(await store.setBytes('all', bytes, 300)).toBe(true);
    expect(await store.getBytes('all')).toEqual(bytes);
    expect(await store.deleteBytes('all')).toBe(true);
    expect(await store.getBytes('all')).toBeUndefined();
    await store.setBytes('short', bytes, 30);
    await sleep(60);
    expect(await store.getBytes('short')).toBeUndefined();
  });

  it('takes a namespace with pattern characters literally', async () => {
    const odd = new Keyv({ store: opened.storeWith('odd', 5_000), namespace: 'a*[b]?' });
    const other = new Keyv({ store: opened.storeWith('odd', 5_000), namespace: 'aXb' });
    await odd.set('k', 1);
    await other.set('k', 2);
    await odd.clear();
    expect(await odd.get('k')).toBeUndefined();
    expect(await other.get('k')).toBe(2);
  });
});

describe('when Redis is in trouble', () => {
  let azure: LocalAzure;
  let opened: ReturnType<typeof connect>;
  let store: AzureRedisStore;

  beforeEach(async () => {
    azure = await startLocalAzure();
    opened = connect(azure);
    await opened.connection.whenReady(10_000);
    store = opened.storeWith('cache', DEADLINE_MS);
    await store.set('key', 'value');
  });
  afterEach(async () => {
    azure.redis.recover();
    await opened.connection.close();
    await azure.stop();
  });

  const timed = async <T>(operation: Promise<T>): Promise<{ result: T; tookMs: number }> => {
    const startedAt = performance.now();
    const result = await operation;
    return { result, tookMs: performance.now() - startedAt };
  };

  const troubles: [string, (local: LocalAzure) => void | Promise<void>][] = [
    ['frozen', ({ redis }) => redis.freeze()],
    ['a black hole', ({ redis }) => redis.blackhole()],
    ['slow', ({ redis }) => redis.delay(2_000)],
    [
      'gone and refusing connections',
      ({ redis }) => {
        redis.refuse();
        redis.kill();
      },
    ],
    ['killed', ({ redis }) => redis.shutdownServer()],
  ];
  const ends = async ({ redis }: LocalAzure, trouble: string): Promise<void> => {
    if (trouble === 'frozen') redis.thaw();
    if (trouble === 'killed') await redis.restartServer();
    redis.recover();
  };

  it.each(troubles)(
    '%s: every read is a miss and every write is dropped, in time',
    async (name, begin) => {
      await begin(azure);
      const all = await timed(
        Promise.all([
          store.get('key'),
          store.getMany(['key']),
          store.set('key', 'new'),
          store.delete('key'),
          store.has('key'),
          store.getBytes('key'),
        ]),
      );
      expect(all.result).toEqual([undefined, [undefined], false, false, false, undefined]);
      // The deadline, and room for a busy machine.
      expect(all.tookMs).toBeLessThan(DEADLINE_MS + 750);
      expect(store.failures.read).toBeGreaterThanOrEqual(4);

      // The next ones need not wait: at most one at a time finds out whether it is over.
      const later = await timed(Promise.all(Array.from({ length: 20 }, () => store.get('key'))));
      expect(later.result.every((value) => value === undefined)).toBe(true);
      expect(later.tookMs).toBeLessThan(DEADLINE_MS + 750);

      await eventually('it is logged', () => opened.logger.linesLike(/unavailable/).length > 0);
      await ends(azure, name);
      await eventually(
        'reads work again',
        async () => (await store.set('back', '1')) && (await store.get('back')) === '1',
      );
      expect(opened.logger.linesLike(/^warn Azure Redis is unavailable/)).toHaveLength(1);
      expect(opened.logger.linesLike(/^log Connected/)).toHaveLength(2);
      expect(opened.logger.lines).toHaveLength(3);
    },
  );

  it('full: writes are dropped and said once, reads go on', async () => {
    azure.redis.failCommands('OOM command not allowed when used memory > maxmemory', 3);
    const writes = await Promise.all([
      store.set('a', '1'),
      store.set('b', '1'),
      store.set('c', '1'),
    ]);
    expect(writes).toEqual([false, false, false]);
    expect(await store.get('key')).toBe('value');
    expect(await store.set('a', '1')).toBe(true);
    expect(opened.logger.linesLike(/refuses cache writes: .*is full.*OOM/)).toHaveLength(1);
    expect(opened.logger.linesLike(/accepts cache writes again/)).toHaveLength(1);
    expect(opened.logger.linesLike(/unavailable/)).toHaveLength(0);
  });

  it('clear() does not pretend', async () => {
    azure.redis.refuse();
    azure.redis.kill();
    opened.client.disconnect();
    await expect(store.clear()).rejects.toThrow(/Connection is closed/);
  });
});
