import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from 'ioredis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { describe, expect, it } from 'vitest';
import { open, type OpenedConnection } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';
import { clusterOf, KEYS, LIFETIME_MS, portsOf, startCluster } from './local-cluster.js';

/** Commands over all slots, from before the change until after it and for `leastMs`. */
async function underLoad(
  client: Cluster,
  change: () => Promise<unknown>,
  leastMs = 0,
): Promise<{ errors: string[]; rounds: number }> {
  const errors: string[] = [];
  const state = { isDone: false, rounds: 0 };
  const attempt = async (command: Promise<unknown>, wanted: unknown): Promise<void> => {
    const answer = await command.catch(String);
    if (answer !== wanted) errors.push(String(answer));
  };
  await client.ping();
  const until = Date.now() + leastMs;
  const work = (async () => {
    while (!state.isDone || Date.now() < until) {
      const value = String(state.rounds);
      await Promise.all(KEYS.map((key) => attempt(client.set(key, value), 'OK')));
      if (client.options.scaleReads === 'master') {
        await Promise.all(KEYS.map((key) => attempt(client.get(key), value)));
      }
      state.rounds += 1;
      await sleep(5);
    }
  })();
  try {
    await change();
  } finally {
    state.isDone = true;
    await work;
  }
  return { errors, rounds: state.rounds };
}

/** The connection never lost its authentication, and no user saw a thing. */
function expectUndisturbed(
  azure: LocalAzure,
  { errors }: OpenedConnection,
  load: { errors: string[]; rounds: number },
): void {
  expect(load.errors).toEqual([]);
  expect(errors).toEqual([]);
  expect(load.rounds).toBeGreaterThan(0);
  expect(azure.redis.expired).toBe(0);
  expect(azure.redis.rejected).toBe(0);
}

describe('with tokens of 3 s and under load, no command fails', { timeout: 60_000 }, () => {
  it('while slots move (MOVED and ASK)', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS });
    const opened = open(azure);
    const client = clusterOf(opened);
    const load = await underLoad(
      client,
      async () => {
        for (const key of KEYS.slice(0, 8)) {
          const slot = await client.cluster('KEYSLOT', key);
          const from = Math.floor((slot * 3) / 16_384);
          const to = (from + 1) % 3;
          await azure.redis.beginSlotMigration(slot, from, to);
          await sleep(100);
          await azure.redis.finishSlotMigration(slot);
          await sleep(100);
          await azure.redis.moveSlot(slot, to, from);
        }
      },
      2 * LIFETIME_MS,
    );
    expectUndisturbed(azure, opened, load);
  });

  it('while replicas take over in good order, again and again', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS, replicas: 1 });
    const opened = open(azure);
    const client = clusterOf(opened);
    const load = await underLoad(
      client,
      async () => {
        for (const shard of [0, 1, 0, 2]) {
          await azure.redis.failover(shard);
          await sleep(500);
        }
      },
      2 * LIFETIME_MS,
    );
    expectUndisturbed(azure, opened, load);
  });

  it('while a master dies and its replica takes over', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS, replicas: 1 });
    const opened = open(azure);
    const client = clusterOf(opened);
    const [, dead = 0] = azure.redis.ports;
    const load = await underLoad(client, () => azure.redis.killMaster(1), 2 * LIFETIME_MS);
    // A write that the master had confirmed and the replica not received reads differently.
    expect(load.errors.filter((answer) => /Error/.test(answer))).toEqual([]);
    expectUndisturbed(azure, opened, { ...load, errors: [] });
    await eventually('the dead node is forgotten', () => !portsOf(client).includes(dead));
    await azure.redis.restartNode(1);
    const again = await underLoad(client, () => azure.redis.failover(1));
    expectUndisturbed(azure, opened, again);
  });

  it('while a node joins, serves and leaves, and its connections are managed', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS });
    const opened = open(azure);
    const client = clusterOf(opened);
    const isManaged = (port: number): boolean =>
      [...opened.connection.connections.live].some(({ endpoint }) => endpoint.endsWith(`:${port}`));
    const slots = await Promise.all(KEYS.map((key) => client.cluster('KEYSLOT', key)));
    const added = { port: 0 };
    const load = await underLoad(
      client,
      async () => {
        const index = await azure.redis.addNode();
        added.port = azure.redis.ports[index] ?? 0;
        for (const slot of new Set(slots.slice(0, 10))) {
          await azure.redis.moveSlot(slot, Math.floor((slot * 3) / 16_384), index);
        }
        await eventually('the new node is managed', () => isManaged(added.port));
        await sleep(1.5 * LIFETIME_MS);
        await azure.redis.removeNode(index);
      },
      2 * LIFETIME_MS,
    );
    expectUndisturbed(azure, opened, load);
    await eventually('the node is forgotten', () => !portsOf(client).includes(added.port));
    await eventually('its connection is gone', () => !isManaged(added.port));
  });

  it('while replicas serve the reads', async () => {
    const azure = await startCluster({ tokenLifetimeMs: LIFETIME_MS, replicas: 1 });
    const opened = open(azure, { redis: { cluster: { scaleReads: 'slave' } } });
    const client = clusterOf(opened);
    await client.set('key', 'value');
    await eventually('the replica has it', async () => (await client.get('key')) === 'value');
    expect(portsOf(client, 'slave')).toHaveLength(3);
    const reads: unknown[] = [];
    const load = await underLoad(
      client,
      async () => {
        for (let round = 0; round < 60; round += 1) {
          if (round === 20) await azure.redis.failover(0);
          const answers = await Promise.all(KEYS.map((key) => client.get(key).catch(String)));
          reads.push(...answers.filter((answer) => answer?.includes('Error')));
          await sleep(50);
        }
      },
      2 * LIFETIME_MS,
    );
    expectUndisturbed(azure, opened, load);
    expect(reads).toEqual([]);
  });
});
