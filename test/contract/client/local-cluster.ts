import { Cluster } from 'ioredis';
import {
  startLocalAzure,
  type LocalAzure,
  type StartLocalAzureOptions,
} from 'nestjs-azure-redis/testing';
import { onTestFinished } from 'vitest';
import type { OpenedConnection } from '../../fixtures/connection.js';

export const LIFETIME_MS = 3_000;
/** Of all nodes. */
export const KEYS = Array.from({ length: 60 }, (_, index) => `key-${index}`);

/** A local Azure that ends with the test. */
export async function startCluster(options: StartLocalAzureOptions = {}): Promise<LocalAzure> {
  const azure = await startLocalAzure({ topology: 'cluster', ...options });
  onTestFinished(() => azure.stop());
  return azure;
}

export const clusterOf = ({ client }: OpenedConnection): Cluster => {
  if (client instanceof Cluster) return client;
  throw new Error('Expected a cluster client');
};

export const portsOf = (client: Cluster, role: 'all' | 'master' | 'slave' = 'all'): number[] =>
  client.nodes(role).map(({ options }) => Number(options.port));
