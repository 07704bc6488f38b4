import type { Cluster } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import {
  startLocalAzure,
  type LocalAzure,
  type StartLocalAzureOptions,
} from '../../../lib/testing/index.js';
import { clusterClient, passThrough } from './cluster-client.js';

/** A local Azure that ends with the test. */
export async function startCluster(options: StartLocalAzureOptions = {}): Promise<LocalAzure> {
  const azure = await startLocalAzure({ topology: 'cluster', ...options });
  onTestFinished(() => azure.stop());
  return azure;
}

/** A client that goes on when nodes go away. */
export const reconnecting = (
  azure: LocalAzure,
  scaleReads: 'master' | 'slave' = 'master',
): Cluster =>
  clusterClient(azure, azure.connection.tls, {
    dnsLookup: passThrough,
    clusterRetryStrategy: () => 50,
    slotsRefreshTimeout: 10_000,
    retryDelayOnFailover: 50,
    maxRedirections: 100,
    scaleReads,
  });

/** Writes and reads back many keys, again and again, until the change is done. */
export async function underLoad<Result>(
  client: Cluster,
  change: () => Promise<Result>,
): Promise<Result> {
  // A client that knows only a start node cannot survive its death.
  await client.ping();
  const state = { isDone: false, rounds: 0 };
  const work = (async () => {
    for (; !state.isDone || state.rounds < 5; state.rounds += 1) {
      const keys = Array.from({ length: 50 }, (_, index) => `load-${index}`);
      await Promise.all(keys.map((key) => client.set(key, state.rounds)));
    }
  })();
  try {
    return await change();
  } finally {
    state.isDone = true;
    await work;
  }
}

/** What the last round of the load has written is there. */
export async function expectLoad(client: Cluster): Promise<void> {
  const values = await Promise.all(
    Array.from({ length: 50 }, (_, index) => client.get(`load-${index}`)),
  );
  expect(new Set(values).size).toBe(1);
  expect(Number(values[0])).toBeGreaterThanOrEqual(4);
}
