import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { seededRandom } from '../../unit/testing/seeded-random.js';
import { command, RawClient, redisClient, useLocalAzure } from './local-azure.js';

const azure = useLocalAzure();

describe('a stream of commands', () => {
  it('gets the same replies wherever it is cut, with AUTHs in between', async () => {
    const random = seededRandom(7);
    for (const largest of [1, 3, 17, 200, 4_000]) {
      const client = await RawClient.connect(azure());
      const sent: Buffer[] = [];
      const expected: Buffer[] = [];
      for (let index = 0; index < 60; index += 1) {
        if (index === 0 || random.below(4) === 0) {
          const isGood = index === 0 || random.below(2) === 0;
          const token = isGood ? azure().entra.issue() : 'wrong';
          sent.push(command('AUTH', azure().identity.objectId, token));
          expected.push(
            Buffer.from(
              isGood
                ? '+OK\r\n'
                : '-WRONGPASS invalid username-password pair or user is disabled.\r\n',
            ),
          );
        } else {
          const value = random.bytes(random.below(600));
          sent.push(command('ECHO', value));
          expected.push(Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n'));
        }
      }
      const bytes = Buffer.concat(sent);
      for (let at = 0; at < bytes.length;) {
        const end = at + 1 + random.below(largest);
        client.send(bytes.subarray(at, end));
        at = end;
        // Without a turn of the event loop Node joins the pieces again.
        if (random.below(5) === 0) await new Promise(setImmediate);
      }
      const all = Buffer.concat(expected);
      await eventually('all replies', () => client.received.length >= all.length);
      expect(client.received.equals(all)).toBe(true);
    }
  });

  it('is fast enough to measure Redis and not the front door', async () => {
    const client = redisClient(azure());
    await client.set('key', 'value');
    const started = performance.now();
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 1_000 }, () => client.get('key')));
    }
    expect(10_000 / ((performance.now() - started) / 1_000)).toBeGreaterThan(2_000);
  });

  it('carries large values both ways', async () => {
    const client = redisClient(azure());
    const value = Buffer.alloc(24 * 1024 * 1024, 'abcdefg');
    await client.set('large', value);
    expect((await client.getBuffer('large'))?.equals(value)).toBe(true);
    await client.del('large');
  });

  it('gets the error of Redis for a broken protocol', async () => {
    const client = await RawClient.connect(azure());
    client.send('*1\r\n!broken\r\n');
    await client.closed();
    expect(client.received.toString()).toMatch(/^-ERR Protocol error: expected '\$', got '!'/);
  });

  it.each([0, 300])('gets the replies under way when it ends its side (%i ms late)', async (ms) => {
    const client = await RawClient.connect(azure());
    const token = azure().entra.issue();
    expect(await client.ask('AUTH', azure().identity.objectId, token)).toBe('+OK\r\n');
    azure().redis.delay(ms);
    for (let count = 0; count < 100; count += 1) client.send(command('ECHO', String(count)));
    client.end();
    await client.closed();
    expect(client.received.toString().match(/\$\d+\r\n/g)).toHaveLength(100);
  });

  it('does not stay when it ends its side and Redis says nothing', async () => {
    const client = await RawClient.connect(azure());
    azure().redis.stall();
    client.send(command('PING'));
    client.end();
    await client.closed();
    await eventually('no connection is left', () => azure().redis.connections === 0);
  });

  it('ends when the client ends it', async () => {
    const client = redisClient(azure());
    await client.ping();
    expect(azure().redis.connections).toBe(1);
    await client.quit();
    await eventually('no connection is left', () => azure().redis.connections === 0);
  });
});

describe('MULTI', () => {
  it('runs as one pipeline', async () => {
    const client = redisClient(azure());
    const results = await client.multi().set('a', '1').incr('a').get('a').exec();
    expect(results?.map(([, value]) => value)).toEqual(['OK', 2, '2']);
  });

  it('queues an AUTH like any other command, as Redis does', async () => {
    const client = redisClient(azure());
    const { objectId } = azure().identity;
    await client.multi({ pipeline: false });
    await client.set('b', '1');
    expect(await client.auth(objectId, azure().entra.issue())).toBe('QUEUED');
    expect(await client.exec()).toHaveLength(2);
    expect(azure().redis.auths).toBe(2);
  });
});

describe.each([2, 3] as const)('publish and subscribe with RESP%i', (protocol) => {
  it('delivers what is published, in order', async () => {
    const subscriber = redisClient(azure(), { protocol });
    const publisher = redisClient(azure(), { protocol });
    const received: string[] = [];
    subscriber.on('message', (_, message: string) => received.push(message));
    await subscriber.subscribe('channel');
    const sent = Array.from({ length: 200 }, (_, index) => `message ${index}`);
    await Promise.all(sent.map((message) => publisher.publish('channel', message)));
    await eventually('all messages', () => received.length === sent.length);
    expect(received).toEqual(sent);
  });
});

it('takes a new token while subscribed with RESP3', async () => {
  const subscriber = redisClient(azure(), { protocol: 3 });
  await subscriber.subscribe('channel');
  const { objectId } = azure().identity;
  expect(await subscriber.auth(objectId, azure().entra.issue())).toBe('OK');
  const received: string[] = [];
  subscriber.on('message', (_, message: string) => received.push(message));
  await redisClient(azure()).publish('channel', 'still here');
  await eventually('the message', () => received.includes('still here'));
});
