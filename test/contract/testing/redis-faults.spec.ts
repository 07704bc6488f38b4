import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { command, handshake, RawClient, redisClient, tcp, useLocalAzure } from './local-azure.js';

const azure = useLocalAzure();

async function loggedIn(): Promise<RawClient> {
  const client = await RawClient.connect(azure());
  const reply = await client.ask('AUTH', azure().identity.objectId, azure().entra.issue());
  expect(reply).toBe('+OK\r\n');
  return client;
}

const door = (): Promise<string> => tcp(azure().connection.port);

describe('kill', () => {
  it('ends connections in order', async () => {
    const client = await loggedIn();
    azure().redis.kill();
    await client.closed();
    expect(client.errorCode).toBeUndefined();
    expect(await handshake(redisClient(azure()))).toBe('ready');
  });

  it('resets connections', async () => {
    const client = await loggedIn();
    azure().redis.kill('rst');
    await client.closed();
    expect(client.errorCode).toBe('ECONNRESET');
    expect(azure().redis.expired).toBe(0);
  });
});

describe('refuse', () => {
  it('closes connections and refuses new ones until it recovers', async () => {
    const client = await loggedIn();
    azure().redis.refuse();
    await client.closed();
    expect(await door()).toBe('ECONNREFUSED');
    azure().redis.recover();
    await eventually('it listens again', async () => (await door()) === 'connected');
    expect(await handshake(redisClient(azure()))).toBe('ready');
  });

  it('wins over a recovery that is still under way', async () => {
    for (let round = 0; round < 20; round += 1) {
      azure().redis.refuse();
      azure().redis.recover();
      azure().redis.refuse();
      await new Promise(setImmediate);
      expect(await door()).toBe('ECONNREFUSED');
    }
    azure().redis.recover();
    azure().redis.recover();
    await eventually('it listens again', async () => (await door()) === 'connected');
  });

  it('comes back on its own port when somebody else had it for a while', async () => {
    azure().redis.refuse();
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(azure().connection.port, '127.0.0.1', resolve);
    });
    azure().redis.recover();
    await new Promise(setImmediate);
    await new Promise((resolve) => {
      other.close(resolve);
    });
    await eventually('Redis answers', async () => {
      return (await handshake(redisClient(azure()))) === 'ready';
    });
  });
});

describe('stall', () => {
  it('answers nobody, then everybody', async () => {
    const client = await loggedIn();
    azure().redis.stall();
    const late = client.ask('PING');
    const fresh = await RawClient.connect(azure());
    const freshLate = fresh.ask('AUTH', azure().identity.objectId, azure().entra.issue());
    await eventually('both were heard', () => azure().redis.commands === 3);
    expect([client.received, fresh.received].map(String)).toEqual(['', '']);
    azure().redis.recover();
    expect(await late).toBe('+PONG\r\n');
    expect(await freshLate).toBe('+OK\r\n');
  });

  it('holds back published messages', async () => {
    const subscriber = redisClient(azure());
    const received: string[] = [];
    subscriber.on('message', (_, message: string) => received.push(message));
    await subscriber.subscribe('channel');
    const publisher = redisClient(azure());
    await publisher.ping();
    azure().redis.stall();
    const published = publisher.publish('channel', 'late');
    azure().redis.recover();
    expect(await published).toBe(1);
    await eventually('the message', () => received.includes('late'));
  });
});

describe('blackhole', () => {
  it('swallows what open connections send, and they do not come back', async () => {
    const client = await loggedIn();
    azure().redis.blackhole();
    client.send(command('PING'));
    azure().redis.recover();
    client.send(command('PING'));
    expect(await handshake(redisClient(azure()))).toBe('ready');
    expect(client.received.toString()).toBe('+OK\r\n');
    expect(client.isClosed).toBe(false);
  });

  it('accepts new connections and shakes no hands', async () => {
    azure().redis.blackhole();
    const client = redisClient(azure(), { connectTimeout: 200 });
    expect(await handshake(client)).toMatch(/ETIMEDOUT/);
    expect(await door()).toBe('connected');
    await eventually('those that gave up are gone', () => azure().redis.connections === 0);
  });
});

describe('delays', () => {
  it('hold replies back, in order', async () => {
    const client = redisClient(azure());
    await client.ping();
    azure().redis.delay(150);
    const started = performance.now();
    const replies = await Promise.all([client.echo('1'), client.echo('2'), client.echo('3')]);
    expect(replies).toEqual(['1', '2', '3']);
    expect(performance.now() - started).toBeGreaterThanOrEqual(149);
    azure().redis.recover();
  });

  it('make AUTH slow, and what comes after it waits', async () => {
    const client = redisClient(azure());
    await client.ping();
    azure().redis.delayAuth(150);
    const started = performance.now();
    const ended: string[] = [];
    await Promise.all([
      client.echo('before').then((word) => ended.push(word)),
      client.auth(azure().identity.objectId, azure().entra.issue()).then(() => ended.push('auth')),
      client.echo('after').then((word) => ended.push(word)),
    ]);
    expect(ended).toEqual(['before', 'auth', 'after']);
    expect(performance.now() - started).toBeGreaterThanOrEqual(149);
  });

  it('let go what they hold when it recovers', async () => {
    const client = redisClient(azure());
    await client.ping();
    azure().redis.delay(60_000);
    const reply = client.echo('1');
    await eventually('it was heard', () => azure().redis.commands > 4);
    azure().redis.recover();
    expect(await reply).toBe('1');
  });
});

describe('errors', () => {
  it('refuse the next AUTHs and keep the session', async () => {
    const client = redisClient(azure());
    await client.ping();
    azure().redis.rejectAuth(2);
    const { objectId } = azure().identity;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await expect(client.auth(objectId, azure().entra.issue())).rejects.toThrow(/WRONGPASS/);
    }
    expect(await client.auth(objectId, azure().entra.issue())).toBe('OK');
    expect(azure().redis).toMatchObject({ auths: 2, rejected: 2 });
  });

  it('refuse every AUTH until it recovers', async () => {
    azure().redis.rejectAuth();
    expect(await handshake(redisClient(azure()))).toMatch(/WRONGPASS/);
    expect(await handshake(redisClient(azure()))).toMatch(/WRONGPASS/);
    azure().redis.recover();
    expect(await handshake(redisClient(azure()))).toBe('ready');
  });

  it('come for the next commands, one after the other, and spare the handshake', async () => {
    azure().redis.failCommands("READONLY You can't write against a read only replica.", 1);
    azure().redis.failCommands('LOADING Redis is loading the dataset in memory', 2);
    const client = redisClient(azure());
    expect(await handshake(client)).toBe('ready');
    const results = await Promise.allSettled([
      client.set('a', '1'),
      client.get('a'),
      client.get('a'),
      client.set('a', '2'),
    ]);
    expect(results.map((result) => ('reason' in result ? String(result.reason) : 'fine'))).toEqual([
      "ReplyError: READONLY You can't write against a read only replica.",
      'ReplyError: LOADING Redis is loading the dataset in memory',
      'ReplyError: LOADING Redis is loading the dataset in memory',
      'fine',
    ]);
  });
});

describe('revoke', () => {
  it('ends the sessions of an identity and refuses it, others stay', async () => {
    const { objectId, systemAssignedObjectId: other } = azure().identity;
    const password = azure().entra.issue({ oid: other });
    const client = await loggedIn();
    const neighbour = redisClient(azure(), { username: other, password });
    await neighbour.ping();
    azure().redis.revoke(objectId);
    await client.closed();
    expect(await handshake(redisClient(azure()))).toMatch(/WRONGPASS/);
    expect(await neighbour.ping()).toBe('PONG');
    azure().redis.recover();
    expect(await handshake(redisClient(azure()))).toBe('ready');
  });
});

describe('the redis-server process', () => {
  it('freezes and thaws', async () => {
    const client = await loggedIn();
    azure().redis.freeze();
    const late = client.ask('PING');
    await eventually('it was heard', () => azure().redis.commands === 2);
    expect(client.received.toString()).toBe('');
    azure().redis.thaw();
    expect(await late).toBe('+PONG\r\n');
  });

  it('shuts down and starts again, empty, on the same port', async () => {
    const { port } = azure().connection;
    const client = await loggedIn();
    await client.ask('SET', 'kept', '1');
    await azure().redis.shutdownServer();
    await client.closed();
    expect(await door()).toBe('ECONNREFUSED');
    azure().redis.recover();
    expect(await door()).toBe('ECONNREFUSED');
    await azure().redis.restartServer();
    expect(azure().connection.port).toBe(port);
    expect(await (await loggedIn()).ask('EXISTS', 'kept')).toBe(':0\r\n');
  });

  it('is shut down even when frozen', async () => {
    azure().redis.freeze();
    await azure().redis.shutdownServer();
    await azure().redis.restartServer();
    expect(await handshake(redisClient(azure()))).toBe('ready');
  });

  it('warns when it ends by itself, and clients are refused', async () => {
    const warned = new Promise<Error>((resolve) => {
      process.once('warning', resolve);
    });
    const client = redisClient(azure());
    await client.call('SHUTDOWN', 'NOSAVE').catch(() => undefined);
    expect((await warned).message).toMatch(/redis-server ended by itself/);
    expect(await door()).toBe('ECONNREFUSED');
    await azure().redis.restartServer();
    expect(await handshake(redisClient(azure()))).toBe('ready');
  });

  it('has no slots to move', async () => {
    await expect(azure().redis.moveSlot(0, 0, 1)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
  });
});

it('counts what happens, and starts over', async () => {
  const client = await loggedIn();
  await client.ask('PING');
  await client.ask('AUTH', azure().identity.objectId, 'wrong');
  expect(azure().redis).toMatchObject({ auths: 1, rejected: 1, commands: 3, connections: 1 });
  azure().redis.resetStatistics();
  expect(azure().redis).toMatchObject({ auths: 0, rejected: 0, commands: 0, connections: 1 });
});
