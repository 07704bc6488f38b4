import type { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { IdlePing } from '../../../lib/client/idle-ping.js';
import { duplicateOf, open } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';

const LIFETIME_MS = 3_000;

let azure: LocalAzure | undefined;
afterEach(() => azure?.stop());

/**
 * RESP3 allows AUTH on a subscribed connection, so nothing may be lost. With ioredis 5 (RESP2)
 * the subscriber has to reconnect, and only goes on receiving.
 */
async function expectMessages(
  received: string[],
  published: number,
  publish: () => Promise<unknown>,
): Promise<void> {
  if (inject('ioredisMajor') === 6) {
    await eventually('all messages arrived', () => received.length === published);
    return;
  }
  await eventually('messages still arrive', async () => {
    await publish();
    return received.includes('last');
  });
  expect(received.length).toBeGreaterThan(published / 2);
}

const start = async (topology: 'standalone' | 'cluster') => {
  azure = await startLocalAzure({ topology, tokenLifetimeMs: LIFETIME_MS });
  return azure;
};

describe('through two rotations of the token', { timeout: 40_000 }, () => {
  it('a client, its duplicates and a subscriber keep their sockets', async () => {
    const local = await start('standalone');
    const { client, connection, errors } = open(local);
    const copy = duplicateOf(client);
    const subscriber = duplicateOf(duplicateOf(client));
    const received: string[] = [];
    subscriber.on('message', (_channel: string, message: string) => received.push(message));
    onTestFinished(() => {
      copy.disconnect();
      subscriber.disconnect();
    });
    await subscriber.subscribe('news');
    const ids = await Promise.all([client.call('CLIENT', 'ID'), copy.call('CLIENT', 'ID')]);

    let published = 0;
    const until = Date.now() + 2.2 * LIFETIME_MS;
    while (Date.now() < until) {
      await Promise.all([
        client.set('key', 'value'),
        copy.get('key'),
        client.publish('news', String(published)),
      ]);
      published += 1;
      await sleep(20);
    }
    await expectMessages(received, published, () => client.publish('news', 'last'));

    expect(await Promise.all([client.call('CLIENT', 'ID'), copy.call('CLIENT', 'ID')])).toEqual(
      ids,
    );
    await eventually('all are connected', () => connection.connections.live.size === 3);
    expect(local.redis.expired).toBe(0);
    expect(local.redis.rejected).toBe(0);
    expect(errors).toEqual([]);
  });

  it('a cluster keeps every node and its subscriber', async () => {
    const local = await start('cluster');
    const { client, connection, errors } = open(local);
    const received: string[] = [];
    client.on('message', (_channel: string, message: string) => received.push(message));
    await client.subscribe('news');
    let published = 0;
    const until = Date.now() + 2.2 * LIFETIME_MS;
    while (Date.now() < until) {
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => client.set(`key${index}`, 'value')),
      );
      await client.publish('news', String(published));
      published += 1;
      await sleep(20);
    }
    await expectMessages(received, published, () => client.publish('news', 'last'));
    // Three nodes and the subscriber; the slot refresher comes and goes.
    await eventually('all are known', () => connection.connections.live.size >= 4);
    expect(local.redis.expired).toBe(0);
    expect(local.redis.rejected).toBe(0);
    expect(errors).toEqual([]);
  });
});

describe('re-AUTH', { timeout: 40_000 }, () => {
  it('comes before the old token runs out, for each connection at its own moment', async () => {
    const local = await start('standalone');
    const { client, connection } = open(local);
    const copies = Array.from({ length: 8 }, () => duplicateOf(client));
    onTestFinished(() => copies.forEach((copy) => copy.disconnect()));
    await Promise.all([client, ...copies].map((redis) => redis.ping()));
    const live = [...connection.connections.live];
    const expiries = new Map(live.map((each) => [each.endpoint, each.token?.expiresAt ?? 0]));
    const moments: number[] = [];
    connection.on('reauthenticated', ({ endpoint }) => {
      moments.push(Date.now());
      expect(Date.now()).toBeLessThan(expiries.get(endpoint) ?? 0);
    });
    await eventually('all were re-authenticated', () => moments.length >= 9);
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(20);
  });

  it('that fails is repeated; the connection stays as it is meanwhile', async () => {
    const local = await start('standalone');
    const { client, connection, errors } = open(local);
    const id = await client.call('CLIENT', 'ID');
    const failures: unknown[] = [];
    connection.on('reauthenticationFailed', ({ error }) => failures.push(error));
    local.redis.rejectAuth(1);
    let done = false;
    connection.on('reauthenticated', () => (done = true));
    await eventually('re-AUTH failed once and then worked', () => done && failures.length > 0);
    expect(await client.call('CLIENT', 'ID')).toBe(id);
    expect(errors).toEqual([]);
    expect(JSON.stringify(failures)).not.toMatch(/eyJ/);
  });

  it('stops with close()', async () => {
    const local = await start('standalone');
    const { client, connection } = open(local);
    await client.ping();
    await connection.close();
    const { auths } = local.redis;
    await sleep(LIFETIME_MS);
    expect(local.redis.auths).toBe(auths);
    expect(local.redis.connections).toBe(0);
    expect(connection.connections.live.size).toBe(0);
  });
});

describe('an idle connection', () => {
  it('is kept alive with PING', async () => {
    azure = await startLocalAzure();
    const { client, connection } = open(azure);
    await client.ping();
    const idlePing = new IdlePing(connection.connections, 100);
    onTestFinished(() => idlePing.close());
    const before = azure.redis.commands;
    await eventually('PINGs were sent', () => (azure?.redis.commands ?? 0) >= before + 3);
  });

  it('that is busy is not bothered', async () => {
    azure = await startLocalAzure();
    const { client, connection } = open(azure);
    await client.ping();
    const idlePing = new IdlePing(connection.connections, 200);
    onTestFinished(() => idlePing.close());
    const before = azure.redis.commands;
    let sent = 0;
    const until = Date.now() + 1_500;
    while (Date.now() < until) {
      await client.get('key');
      sent += 1;
      await sleep(10);
    }
    expect(azure.redis.commands - before).toBe(sent);
  });
});

/** `npm run test:chaos` runs the ten thousand of a client's long life. */
const RECONNECTS = process.env['CHAOS_LONG'] === '1' ? 10_000 : 500;
const CLIENTS = 10;

it(`leaves nothing behind after ${RECONNECTS} reconnects`, { timeout: 300_000 }, async () => {
  azure = await startLocalAzure();
  const { client, connection, tokens } = open(azure, { redis: { retryStrategy: () => 1 } });
  const copies = Array.from({ length: CLIENTS - 1 }, () => duplicateOf(client));
  onTestFinished(() => copies.forEach((copy) => copy.disconnect()));
  const clients = [client, ...copies];
  await Promise.all(clients.map((each) => each.ping()));
  const emitters = [...clients, tokens, connection, connection.connections];
  const listeners = () => emitters.map((each) => each.eventNames().map(counted(each)));
  const before = listeners();
  for (let round = 0; round < RECONNECTS / CLIENTS; round += 1) {
    clients.forEach((each) => each.disconnect(true));
    await Promise.all(clients.map((each) => each.ping()));
  }
  expect(azure.redis.auths).toBeGreaterThanOrEqual(RECONNECTS);
  expect(connection.connections.live.size).toBe(CLIENTS);
  expect(listeners()).toEqual(before);
});

const counted = (emitter: EventEmitter) => (name: string | symbol) =>
  `${String(name)}: ${emitter.listenerCount(name)}`;
