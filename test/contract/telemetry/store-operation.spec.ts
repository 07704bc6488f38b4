import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import type { StoreOperationEvent } from '../../../lib/store/store-operation.js';
import { open, type OpenedConnection } from '../../fixtures/connection.js';

const CHANNEL = 'nestjs-azure-redis:storeOperation';
const DEADLINE_MS = 200;
const KEY = 'a key that nobody may learn';
const SCRIPT = { sha1: 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db', lua: 'return 1' };

let azure: LocalAzure;
let told: StoreOperationEvent[] = [];
const listen = (event: unknown): void => void told.push(Object(event));

beforeAll(async () => {
  azure = await startLocalAzure();
});
beforeEach(() => {
  told = [];
  subscribe(CHANNEL, listen);
});
afterEach(() => {
  unsubscribe(CHANNEL, listen);
  azure.redis.recover();
});
afterAll(() => azure.stop());

async function openStore(): Promise<OpenedConnection & { readonly store: AzureRedisStore }> {
  const opened = open(azure);
  await opened.connection.whenReady(10_000);
  const guard = new StoreGuard({
    deadlineMs: DEADLINE_MS,
    isConnected: () => opened.client.status === 'ready',
    availability: opened.connection.availability,
    logger: opened.logger,
    explain: String,
  });
  return { ...opened, store: new AzureRedisStore(opened.client, guard, 'prefix') };
}

describe('an operation of the store', () => {
  it.each<[string, (store: AzureRedisStore) => Promise<unknown>]>([
    ['GET', (store) => store.get(KEY)],
    ['GET', (store) => store.getBytes(KEY)],
    ['MGET', (store) => store.getMany([KEY, 'another'])],
    ['MGET', (store) => store.getManyBytes([KEY, 'another'])],
    ['SET', (store) => store.set(KEY, 'value', 1_000)],
    ['UNLINK', (store) => store.delete(KEY)],
    ['EXISTS', (store) => store.has(KEY)],
    ['EVALSHA', (store) => store.runScript('read', SCRIPT, [KEY], [])],
  ])('is told as %s, with what it took (%#)', async (command, operate) => {
    const { store } = await openStore();
    azure.redis.delay(20);
    await operate(store);
    expect(told).toStrictEqual([{ command, outcome: 'answered', durationMs: expect.any(Number) }]);
    expect(told[0]?.durationMs).toBeGreaterThanOrEqual(19);
  });

  it('that Redis refuses is told by the kind of the error, without its text', async () => {
    const { store } = await openStore();
    azure.redis.failCommands(`OOM command not allowed for ${KEY}`, 1);
    await store.set(KEY, 'value');
    expect(told).toMatchObject([{ command: 'SET', outcome: 'failed', errorType: 'OOM' }]);
    expect(JSON.stringify(told)).not.toContain(KEY);
  });

  it('that is not answered in time failed; the ones behind it are skipped', async () => {
    const { store } = await openStore();
    azure.redis.stall();
    await store.get(KEY);
    const probe = store.get(KEY);
    await store.get(KEY);
    await probe;
    expect(told.map(({ outcome, errorType }) => [outcome, errorType])).toStrictEqual([
      ['failed', 'DEADLINE_EXCEEDED'],
      ['skipped', undefined],
      ['failed', 'DEADLINE_EXCEEDED'],
    ]);
    expect(told[0]?.durationMs).toBeGreaterThanOrEqual(DEADLINE_MS - 1);
    expect(told[1]?.durationMs).toBeLessThan(DEADLINE_MS / 2);
  });

  it('is told once for each node of a cluster that has a part in it', async () => {
    await using cluster = await startLocalAzure({ topology: 'cluster' });
    const single = azure;
    azure = cluster;
    const { store } = await openStore();
    azure = single;
    await store.getMany(Array.from({ length: 50 }, (_, index) => `key ${index}`));
    expect(told.map(({ command }) => command)).toStrictEqual(['MGET', 'MGET', 'MGET']);
  });
});
