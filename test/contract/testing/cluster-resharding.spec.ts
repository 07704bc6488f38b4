import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { keyOfNode, keysByNode, portsOf, sorted } from './cluster-client.js';
import { expectLoad, reconnecting, startCluster, underLoad } from './cluster-load.js';
import { tcp } from './local-azure.js';

describe('a slot between two nodes', { timeout: 60_000 }, () => {
  it('leads clients to its keys by ASK, and by MOVED when it has arrived', async () => {
    const azure = await startCluster();
    const client = reconnecting(azure);
    const slot = await client.cluster('KEYSLOT', '{tag}');
    const from = Math.floor((slot * 3) / 16_384);
    const to = (from + 1) % 3;
    const keys = Array.from({ length: 9 }, (_, index) => `{tag}${index}`);
    for (const key of keys) await client.set(key, key);
    const moved = await azure.redis.beginSlotMigration(slot, from, to);
    expect(moved).toHaveLength(5);
    expect(keys).toEqual(expect.arrayContaining([...moved]));

    const [source] = client
      .nodes('master')
      .filter(({ options }) => options.port === azure.redis.ports[from]);
    const asked = new RegExp(`ASK ${slot} \\S+:${azure.redis.ports[to]}`);
    await expect(source?.get(moved[0] ?? '')).rejects.toThrow(asked);
    await expect(source?.get('{tag}new')).rejects.toThrow(asked);
    for (const key of keys) expect(await client.get(key)).toBe(key);
    await client.set('{tag}new', 'new');

    await azure.redis.finishSlotMigration(slot);
    await expect(source?.get('{tag}new')).rejects.toThrow(
      new RegExp(`MOVED ${slot} \\S+:${azure.redis.ports[to]}`),
    );
    for (const key of keys) expect(await client.get(key)).toBe(key);
    expect(await client.get('{tag}new')).toBe('new');
    await expect(azure.redis.finishSlotMigration(slot)).rejects.toThrow(/beginSlotMigration/);
  });

  it('must belong to the node that gives it away', async () => {
    const azure = await startCluster();
    await expect(azure.redis.moveSlot(0, 1, 2)).rejects.toThrow(/Expected a slot of the node/);
    await expect(azure.redis.beginSlotMigration(16_383, 0, 1)).rejects.toThrow(RangeError);
    const client = reconnecting(azure);
    expect(await client.set('key', 'value')).toBe('OK');
  });
});

describe('a node', { timeout: 60_000 }, () => {
  it('joins, takes slots, and leaves again', async () => {
    const azure = await startCluster();
    const client = reconnecting(azure);
    const seen: string[] = [];
    client.on('+node', ({ options }) => seen.push(`+${options.port}`));
    client.on('-node', ({ options }) => seen.push(`-${options.port}`));
    const { key, slot } = await keyOfNode(client, 0);
    await underLoad(client, async () => {
      expect(await azure.redis.addNode()).toBe(3);
    });
    expect(azure.redis.ports).toHaveLength(4);
    const added = azure.redis.ports[3];
    await client.set(key, 'value');
    await azure.redis.moveSlot(slot, 0, 3);
    expect(await client.get(key)).toBe('value');
    await eventually('the client sees it', () => seen.includes(`+${added}`));

    await underLoad(client, () => azure.redis.removeNode(3));
    expect(azure.redis.ports).toHaveLength(3);
    expect(await tcp(added ?? 0)).toBe('ECONNREFUSED');
    expect(await client.get(key)).toBe('value');
    await eventually('the client saw it go', () => seen.includes(`-${added}`));
    await expectLoad(client);
  });

  it('may be one of the first, with thousands of slots and with a replica', async () => {
    const azure = await startCluster({ replicas: 1 });
    const client = reconnecting(azure);
    const keys = await keysByNode(client);
    for (const { key } of keys) await client.set(key, key);
    const gone = azure.redis.ports[0] ?? 0;
    await underLoad(client, () => azure.redis.removeNode(0));
    await expectLoad(client);
    for (const { key } of keys) expect(await client.get(key)).toBe(key);
    await eventually('the client saw it go', () => !portsOf(client, 'all').includes(gone));
    expect(portsOf(client, 'all')).toEqual(sorted(azure.redis.ports));
    expect(portsOf(client, 'slave')).toHaveLength(3);
  });

  it('leaves nothing behind when the local Azure stops while it joins', async () => {
    const azure = await startCluster();
    const joining = azure.redis.addNode().catch((error: unknown) => error);
    await azure.stop();
    await joining;
    for (const port of azure.redis.ports) expect(await tcp(port)).toBe('ECONNREFUSED');
  });
});
