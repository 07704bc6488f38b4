import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Cluster, Redis } from 'ioredis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { duplicateOf, open, type OpenedConnection } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';

const LIFETIME_MS = 3_000;

let azure: LocalAzure;
afterEach(() => azure.stop());

async function start(
  options: Parameters<typeof startLocalAzure>[0] = {},
  more: Parameters<typeof open>[1] = {},
): Promise<OpenedConnection & { redis: Redis }> {
  azure = await startLocalAzure({ tokenLifetimeMs: LIFETIME_MS, ...options });
  const opened = open(azure, more);
  await opened.connection.whenReady(10_000);
  const redis = opened.client instanceof Redis ? opened.client : new Redis({ lazyConnect: true });
  return { ...opened, redis };
}

/** A connection of its own, so that the test alone decides what it is busy with. */
function ownConnection(opened: OpenedConnection): Redis {
  const redis = duplicateOf(opened.client);
  onTestFinished(() => redis.disconnect());
  return redis;
}

const clientId = (redis: Redis): Promise<unknown> => redis.call('CLIENT', 'ID');

function expectNoLoss(): void {
  expect({ expired: azure.redis.expired, rejected: azure.redis.rejected }).toEqual({
    expired: 0,
    rejected: 0,
  });
}

describe('re-AUTH', { timeout: 40_000 }, () => {
  it('waits while a MULTI is open, whose EXEC keeps its length, and comes right after it', async () => {
    const opened = await start();
    const redis = ownConnection(opened);
    const id = await clientId(redis);
    const deferred: string[] = [];
    opened.connection.on('reauthenticationDeferred', ({ reason }) => deferred.push(reason));
    // Nearly always in a transaction, but none lasts from due moment to expiry.
    for (let round = 0; round < 12; round += 1) {
      await redis.multi({ pipeline: false });
      await redis.set('a', '1');
      await sleep(400);
      await redis.get('a');
      expect(await redis.exec()).toEqual([
        [null, 'OK'],
        [null, '1'],
      ]);
    }
    expect(deferred).toContain('multi');
    expect(await clientId(redis)).toBe(id);
    expectNoLoss();
  });

  it('leaves WATCH, the selected db and the client name as they are', async () => {
    const opened = await start();
    const redis = ownConnection(opened);
    const other = ownConnection(opened);
    await redis.select(2);
    await other.select(2);
    await redis.client('SETNAME', 'mine');
    await redis.set('watched', 'before');
    await redis.watch('watched');
    const { auths } = azure.redis;
    await eventually('all were re-authenticated', () => azure.redis.auths >= auths + 3);
    await sleep(100);
    expect(await redis.call('CLIENT', 'INFO')).toMatch(/name=mine .*db=2 /s);
    await other.set('watched', 'changed');
    expect(await redis.multi().set('watched', 'mine').exec()).toBeNull();
    expect(await other.get('watched')).toBe('changed');
    expectNoLoss();
  });

  it('goes between two blocking commands of a worker, on the same connection', async () => {
    const opened = await start();
    const worker = ownConnection(opened);
    const id = await clientId(worker);
    const popped: string[] = [];
    const until = Date.now() + 1.6 * LIFETIME_MS;
    const work = (async () => {
      while (Date.now() < until) {
        const [, item] = (await worker.blpop('jobs', 0)) ?? [];
        if (item !== undefined) popped.push(item);
      }
    })();
    let pushed = 0;
    while (Date.now() < until + 200) {
      await opened.redis.rpush('jobs', String(pushed));
      pushed += 1;
      await sleep(50);
    }
    await work;
    expect(popped).toEqual(Array.from({ length: popped.length }, (_, index) => String(index)));
    expect(popped.length).toBeGreaterThan(30);
    expect(await clientId(worker)).toBe(id);
    expectNoLoss();
  });

  it.each<
    [string, (redis: Redis) => Promise<unknown>, (redis: Redis) => Promise<unknown>, unknown]
  >([
    [
      'BLPOP 0',
      (redis) => redis.blpop('late', 0),
      (redis) => redis.rpush('late', 'job'),
      ['late', 'job'],
    ],
    [
      'XREAD BLOCK 0',
      (redis) => redis.xread('BLOCK', 0, 'STREAMS', 'stream', '0'),
      (redis) => redis.xadd('stream', '1-1', 'field', 'value'),
      [['stream', [['1-1', ['field', 'value']]]]],
    ],
  ])(
    'replaces a connection that only waits in %s, which still gets its answer',
    async (_name, block, release, answer) => {
      const opened = await start();
      const worker = ownConnection(opened);
      const deferred: string[] = [];
      opened.connection.on('reauthenticationDeferred', ({ reason }) => deferred.push(reason));
      await worker.ping();
      const blocked = block(worker);
      await sleep(1.5 * LIFETIME_MS);
      expect(deferred).toContain('blocked');
      await eventually('it waits again', () => worker.status === 'ready');
      await sleep(100);
      await release(opened.redis);
      await expect(blocked).resolves.toEqual(answer);
      expectNoLoss();
    },
  );

  it('queues behind a blocking command that ends in time', async () => {
    const opened = await start({ tokenLifetimeMs: 6_000 });
    const worker = ownConnection(opened);
    const id = await clientId(worker);
    const until = Date.now() + 8_000;
    while (Date.now() < until) await worker.blpop('nothing', 0.3);
    expect(await clientId(worker)).toBe(id);
    expectNoLoss();
  });

  it('replaces RESP2 subscribers and monitors, each at its own moment, before they expire', async () => {
    const opened = await start();
    const subscriber = opened.redis.duplicate({ protocol: 2 });
    const monitor = await opened.redis.monitor();
    onTestFinished(() => {
      subscriber.disconnect();
      monitor.disconnect();
    });
    monitor.on('error', () => undefined);
    const seen: string[] = [];
    monitor.on('monitor', (_time: string, args: string[]) => seen.push(args.join(' ')));
    const received: string[] = [];
    subscriber.on('message', (_channel: string, message: string) => received.push(message));
    await subscriber.subscribe('news');
    await sleep(1.6 * LIFETIME_MS);
    await eventually('both work again', async () => {
      await opened.redis.publish('news', 'late');
      return received.includes('late') && seen.some((line) => line.includes('late'));
    });
    expectNoLoss();
  });

  it('of a monitor that is refused shows no token', async () => {
    const opened = await start();
    const monitor = await opened.redis.monitor();
    onTestFinished(() => monitor.disconnect());
    const errors: unknown[] = [];
    monitor.on('error', (error: unknown) => errors.push(error));
    azure.redis.rejectAuth();
    await eventually('it was refused', () => errors.length > 1);
    azure.redis.recover();
    expect(inspect(errors, { depth: 10 })).toMatch(/WRONGPASS/);
    expect(inspect(errors, { depth: 10, showHidden: true })).not.toMatch(/eyJ/);
  });

  it('has a deadline of its own', async () => {
    const opened = await start({}, { deadlines: { reauthMs: 100 } });
    const failures: unknown[] = [];
    opened.connection.on('reauthenticationFailed', ({ error }) => failures.push(error));
    azure.redis.delayAuth(250);
    await eventually('it timed out', () => failures.length > 0);
    expect(failures[0]).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: expect.stringMatching(/AUTH within 100 ms/),
    });
    azure.redis.recover();
    await expect(opened.redis.ping()).resolves.toBe('PONG');
  });

  it('that is refused is repeated with pauses until shortly before expiry, then the connection is replaced', async () => {
    const opened = await start();
    azure.redis.rejectAuth();
    const failures: number[] = [];
    opened.connection.on('reauthenticationFailed', ({ nextInMs }) => failures.push(nextInMs));
    let closed = false;
    opened.redis.once('close', () => (closed = true));
    await eventually('it was closed from this side', () => closed);
    azure.redis.recover();
    await expect(opened.redis.ping()).resolves.toBe('PONG');
    expect(failures.length).toBeGreaterThanOrEqual(2);
    expect(failures.length).toBeLessThan(20);
    expect(azure.redis.expired).toBe(0);
  });

  it('that was under way when the socket died is not sent again on the next one', async () => {
    const opened = await start({ tokenLifetimeMs: 5_000 });
    azure.redis.delayAuth(1_500);
    const resent: string[] = [];
    const { auths } = azure.redis;
    await eventually('a re-AUTH is under way', () =>
      opened.redis.commandQueue.toArray().some(({ command }) => command.name === 'auth'),
    );
    azure.redis.kill('rst');
    azure.redis.recover();
    const send = opened.redis.sendCommand.bind(opened.redis);
    opened.redis.sendCommand = (command, stream) => {
      if (command.name === 'auth') resent.push(command.name);
      return send(command, stream);
    };
    await expect(opened.redis.ping()).resolves.toBe('PONG');
    await sleep(200);
    // The one AUTH of the new handshake (HELLO), at most a re-AUTH that is due anyway.
    expect(azure.redis.auths - auths).toBeLessThanOrEqual(2);
    expect(opened.errors.every((text) => !/WRONGPASS/.test(text))).toBe(true);
    expect(azure.redis.expired).toBe(0);
  });

  it("that is refused to a cluster's subscriber is not asked for without a pause", async () => {
    const opened = await start({ topology: 'cluster', tokenLifetimeMs: 60_000 });
    await opened.client.subscribe('news');
    azure.redis.rejectAuth();
    azure.redis.kill();
    await sleep(2_000);
    // Three nodes, a refresher and the subscriber; without pauses the subscriber alone has hundreds.
    expect(azure.redis.rejected).toBeLessThan(120);
    azure.redis.recover();
    let received = 0;
    opened.client.on('message', () => (received += 1));
    await eventually('messages arrive again', async () => {
      await opened.client.publish('news', 'late').catch(() => undefined);
      return received > 0;
    });
  });

  it('is asked for by at most ten connections at once', async () => {
    const opened = await start({ tokenLifetimeMs: 6_000 });
    const copies = Array.from({ length: 30 }, () => ownConnection(opened));
    await Promise.all(copies.map((copy) => copy.ping()));
    // So slow that without a cap nearly all of them would wait for their answers together.
    azure.redis.delayAuth(400);
    let underWay = 0;
    let most = 0;
    const auths: Promise<void>[] = [];
    for (const { redis } of opened.connection.connections.live) {
      const send = redis.sendCommand;
      redis.sendCommand = (command, stream) => {
        const result = send.call(redis, command, stream);
        if (command.name !== 'auth') return result;
        most = Math.max(most, (underWay += 1));
        const done = (): void => void (underWay -= 1);
        auths.push(command.promise.then(done, done));
        return result;
      };
    }
    await eventually('all are re-authenticated', () => auths.length >= 31, 10_000);
    await Promise.all(auths);
    expect(most).toBe(10);
    expectNoLoss();
  });

  it('reaches sharded subscribers', async () => {
    const opened = await start(
      { topology: 'cluster' },
      { redis: { cluster: { shardedSubscribers: true } } },
    );
    if (!('ssubscribe' in opened.client)) throw new Error('Expected a cluster');
    await opened.client.ssubscribe('shard');
    await sleep(1.5 * LIFETIME_MS);
    expect(opened.errors).toEqual([]);
    expectNoLoss();
  });
});

it("a cluster's subscriber keeps its channels when ioredis has lost them", async () => {
  const { client } = await start({ topology: 'cluster', tokenLifetimeMs: 60_000 });
  if (!(client instanceof Cluster)) throw new Error('Expected a cluster');
  const received: string[] = [];
  client.on('message', (channel: string) => received.push(channel));
  client.on('pmessage', (pattern: string) => received.push(pattern));
  await client.subscribe('news', 'old news');
  await client.psubscribe('sp*');
  await client.unsubscribe('old news');
  // As when a connection is exchanged while it subscribes; the moment cannot be hit from outside.
  const holder: unknown = Reflect.get(client, 'subscriber');
  if (holder instanceof Object) Reflect.set(holder, 'lastActiveSubscriber', null);
  azure.redis.kill();
  await eventually('messages arrive again', async () => {
    await client.publish('news', '').catch(() => undefined);
    await client.publish('sport', '').catch(() => undefined);
    return received.includes('news') && received.includes('sp*');
  });
  await client.publish('old news', '');
  await sleep(100);
  expect(received).not.toContain('old news');
});

it('a sharded subscriber hears again when the cluster was left while it was connecting', async () => {
  const { client } = await start(
    { topology: 'cluster', tokenLifetimeMs: 60_000 },
    { redis: { cluster: { shardedSubscribers: true } } },
  );
  if (!(client instanceof Cluster)) throw new Error('Expected a cluster');
  const received: string[] = [];
  client.on('smessage', (_channel: string, message: string) => received.push(message));
  await client.ssubscribe('shard');
  client.once('+subscriber', () => azure.redis.delayAuth(1_000));
  azure.redis.kill();
  await eventually('it is connecting', () => azure.redis.connections > 0);
  await sleep(300);
  // As ioredis does when no node of the cluster tells it the slots.
  client.disconnect(true);
  azure.redis.recover();
  await eventually('messages arrive again', async () => {
    await client.spublish('shard', 'again').catch(() => undefined);
    return received.includes('again');
  });
});

describe('authenticate()', { timeout: 40_000 }, () => {
  const foreign = (more: object = {}): Redis => {
    const { host, port, tls } = azure.connection;
    const redis = new Redis({ host, port, tls, lazyConnect: true, ...more });
    onTestFinished(() => redis.disconnect());
    return redis;
  };

  it('keeps an instance of somebody else on its connection, and its duplicates', async () => {
    const { connection } = await start();
    const redis = connection.authenticate(foreign());
    const copy = redis.duplicate();
    onTestFinished(() => copy.disconnect());
    const ids = await Promise.all([clientId(redis), clientId(copy)]);
    await sleep(1.5 * LIFETIME_MS);
    expect(await Promise.all([clientId(redis), clientId(copy)])).toEqual(ids);
    expect(connection.authenticate(redis)).toBe(redis);
    expectNoLoss();
  });

  it('sends the token to no other host, and never in clear text', async () => {
    const { connection } = await start();
    expect(() => connection.authenticate(foreign({ host: '127.0.0.1' }))).toThrow(/another cache/);
    expect(() => connection.authenticate(foreign({ tls: undefined }))).toThrow(/clear text/);
  });
});

describe('signals', { timeout: 40_000 }, () => {
  it('come as events, on diagnostics channels and as a status, without the token', async () => {
    const published: string[] = [];
    const listeners = ['refreshed', 'reauthenticated', 'refreshFailed', 'connectionExpired'].map(
      (event) => {
        const name = `nestjs-azure-redis:${event}`;
        const listener = (message: unknown): void => void published.push(inspect([event, message]));
        subscribe(name, listener);
        return () => unsubscribe(name, listener);
      },
    );
    onTestFinished(() => listeners.forEach((stop) => stop()));
    const { connection, redis } = await start();
    const events: string[] = [];
    connection.on('reauthenticated', ({ endpoint, tookMs }) =>
      events.push(`${endpoint} ${tookMs}`),
    );
    await redis.ping();
    expect(connection.status).toEqual({
      client: 'ready',
      secondsToExpiry: expect.toSatisfy((seconds: number) => seconds > 0 && seconds <= 3),
      managedConnections: 1,
      secondsToReauthentication: expect.any(Number),
      consecutiveFailures: 0,
    });
    await eventually('a rotation', () => events.length > 0);
    expect(events[0]).toMatch(/^localhost:\d+ \d+$/);
    expect(published.join('\n')).toMatch(/refreshed/);
    expect(published.join('\n')).toMatch(/reauthenticated/);

    azure.entra.disconnect();
    await eventually('a failure is told', () =>
      published.some((text) => /refreshFailed/.test(text)),
    );
    expect(connection.status.consecutiveFailures).toBeGreaterThan(0);
    expect(published.join('\n')).not.toMatch(/eyJ/);
  });
});
