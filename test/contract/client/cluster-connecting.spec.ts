import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from 'ioredis';
import type { TokenCredential } from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { open } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';
import { clusterOf, KEYS, LIFETIME_MS, startCluster } from './local-cluster.js';

const hostsOf = (client: Cluster): Set<string | undefined> =>
  new Set(client.nodes('all').map(({ options }) => options.host));

describe('a cluster as Azure announces it', { timeout: 30_000 }, () => {
  it('by IP address, with a certificate that has DNS names only, needs no option', async () => {
    const azure = await startCluster({ announce: 'ip' });
    const { ca } = azure.connection.tls;
    const opened = open(azure, { tls: { ca } });
    const client = clusterOf(opened);
    await Promise.all(KEYS.map((key) => client.set(key, key)));
    expect(hostsOf(client)).toEqual(new Set(['127.0.0.1']));
    expect(opened.errors).toEqual([]);
  });

  it('may be translated by a NAT map', async () => {
    const azure = await startCluster({ announce: 'ip' });
    const natMap = Object.fromEntries(
      azure.redis.ports.map((port) => [`127.0.0.1:${port}`, { host: 'localhost', port }]),
    );
    const opened = open(azure, { redis: { cluster: { natMap } } });
    const client = clusterOf(opened);
    await Promise.all(KEYS.map((key) => client.set(key, key)));
    expect(hostsOf(client)).toEqual(new Set(['localhost']));
    expect(opened.errors).toEqual([]);
  });

  it('has time to validate tokens while the client asks for its slots', async () => {
    const azure = await startCluster();
    azure.redis.delayAuth(1_500);
    const opened = open(azure);
    const client = clusterOf(opened);
    expect(await client.set('key', 'value')).toBe('OK');
    expect(client.options.slotsRefreshTimeout).toBeGreaterThanOrEqual(10_000);
    expect(opened.errors).toEqual([]);
  });

  it('is not asked before there is a token, however slow Entra is', async () => {
    const azure = await startCluster();
    const slow: TokenCredential = {
      getToken: async (...request) => {
        await sleep(2_000);
        return azure.credential.getToken(...request);
      },
    };
    const opened = open(azure, { credential: slow });
    const set = clusterOf(opened).set('key', 'value');
    await sleep(1_000);
    expect(azure.redis.connections).toBe(0);
    expect(await set).toBe('OK');
    expect(opened.errors).toEqual([]);
    expect(azure.redis.rejected).toBe(0);
  });

  it('with the Enterprise policy gets the advice to connect standalone', async () => {
    const azure = await startCluster({ topology: 'standalone', clusterCommands: 'refused' });
    const { connection } = open(azure, { topology: 'cluster' });
    await expect(connection.whenReady(5_000)).rejects.toMatchObject({
      code: 'WRONG_TOPOLOGY',
      message: expect.stringMatching(/"topology" to "standalone"/),
    });
  });
});

describe('a classic subscriber', { timeout: 60_000 }, () => {
  it('survives the failover and the loss of its node', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS, replicas: 1 });
    const opened = open(azure);
    const client = clusterOf(opened);
    const received: string[] = [];
    client.on('message', (_channel: string, message: string) => received.push(message));
    await client.subscribe('news');
    await azure.redis.failover(0);
    await azure.redis.failover(1);
    await azure.redis.killMaster(2);
    await eventually('messages still arrive', async () => {
      await client.publish('news', 'hello');
      return received.length > 0;
    });
    expect(azure.redis.expired).toBe(0);
    expect(azure.redis.rejected).toBe(0);
  });

  it('whose token ran out does not try again and again', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS });
    const opened = open(azure, { deadlines: { tokenMs: 1_000 } });
    const client = clusterOf(opened);
    const received: string[] = [];
    client.on('message', (_channel: string, message: string) => received.push(message));
    await client.subscribe('news');
    azure.entra.hang();
    await eventually('the token has run out', () => opened.tokens.current === undefined);
    await sleep(500);
    azure.redis.resetStatistics();
    await sleep(2_000);
    expect(azure.redis.auths + azure.redis.rejected).toBeLessThan(20);
    azure.entra.recover();
    await eventually(
      'messages arrive again',
      async () => {
        await client.publish('news', 'hello');
        return received.length > 0;
      },
      20_000,
    );
    azure.redis.resetStatistics();
    await sleep(2_000);
    expect(azure.redis.auths).toBeLessThan(30);
    expect(azure.redis.rejected).toBe(0);
  });
});
