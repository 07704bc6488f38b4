import type { Cluster } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { clusterClient, keyOfNode, keysByNode, passThrough } from './cluster-client.js';
import { useLocalAzure } from './local-azure.js';

describe.each(['ip', 'hostname'] as const)('a cluster that announces nodes by %s', (announce) => {
  const azure = useLocalAzure({ topology: 'cluster', announce });

  const usable = (): Cluster => clusterClient(azure());

  it('serves every slot through three front doors', async () => {
    const client = usable();
    const keys = (await keysByNode(client)).map(({ key }) => key);
    for (const key of keys) expect(await client.set(key, key)).toBe('OK');
    for (const key of keys) expect(await client.get(key)).toBe(key);
    const nodes = client.nodes('master').map(({ options }) => options.port);
    expect(new Set(nodes)).toEqual(new Set(azure().redis.ports));
    const addresses = client.nodes('master').map(({ options }) => options.host);
    expect(new Set(addresses)).toEqual(new Set([announce === 'ip' ? '127.0.0.1' : 'localhost']));
    expect(azure().redis.auths).toBeGreaterThanOrEqual(3);
    expect(azure().redis.rejected).toBe(0);
  });

  it('moves a slot with its keys, and MOVED leads clients to it', async () => {
    const client = usable();
    const { key, slot } = await keyOfNode(client, 0);
    await client.set(key, 'before');
    await azure().redis.moveSlot(slot, 0, 2);
    // On a node that is sure not to have heard of it by gossip.
    const [first] = client
      .nodes('master')
      .filter((node) => node.options.port === azure().redis.ports[0]);
    await expect(first?.get(key)).rejects.toThrow(
      new RegExp(`MOVED ${slot} \\S+:${azure().redis.ports[2]}`),
    );
    expect(await client.get(key)).toBe('before');
    await client.set(key, 'after');
    expect(await client.get(key)).toBe('after');
    await azure().redis.moveSlot(slot, 2, 0);
    expect(await client.get(key)).toBe('after');
  });

  it('delivers classic and sharded publications', async () => {
    const [subscriber, publisher] = [usable(), usable()];
    const received: string[] = [];
    subscriber.on('message', (_, message: string) => received.push(message));
    await subscriber.subscribe('channel');
    await publisher.publish('channel', 'hello');
    await eventually('the message', () => received.includes('hello'));

    const options = { dnsLookup: passThrough, shardedSubscribers: true };
    const sharded = clusterClient(azure(), azure().connection.tls, options);
    sharded.on('smessage', (_, message: string) => received.push(message));
    await sharded.ssubscribe('shard');
    await publisher.spublish('shard', 'hello shard');
    await eventually('the message', () => received.includes('hello shard'));
  });

  it('starts again on the same ports, empty', async () => {
    const before = azure().redis.ports;
    const writer = usable();
    await writer.set('key', 'value');
    await azure().redis.shutdownServer();
    await azure().redis.restartServer();
    expect(azure().redis.ports).toEqual(before);
    expect(await usable().get('key')).toBeNull();
  });

  it('freezes and thaws with all its nodes', async () => {
    const client = usable();
    const keys = (await keysByNode(client)).map(({ key }) => key);
    await Promise.all(keys.map((key) => client.get(key)));
    azure().redis.freeze();
    let answered = 0;
    const before = azure().redis.commands;
    const late = keys.map((key) => client.set(key, 'late').then(() => (answered += 1)));
    await eventually('all were heard', () => azure().redis.commands >= before + 3);
    expect(answered).toBe(0);
    azure().redis.thaw();
    // Nodes that slept long may have given each other up for a moment.
    await Promise.allSettled(late);
    for (const key of keys) {
      await eventually(
        'its node works again',
        async () => (await client.set(key, 'later').catch(() => undefined)) === 'OK',
      );
    }
  });
});

describe('a certificate that has DNS names only', () => {
  const azure = useLocalAzure({ topology: 'cluster' });

  it('is refused by a client that does not name the server', async () => {
    const { ca } = azure().connection.tls;
    const client = clusterClient(azure(), { ca }, { dnsLookup: passThrough });
    await expect(client.get('key')).rejects.toThrow(/None of startup nodes is available/);
    expect(client.nodes('master')).toEqual([]);
  });
});
