import type { ConnectionOptions } from 'node:tls';
import { Cluster, type ClusterOptions } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { LocalAzure } from '../../../lib/testing/index.js';

export const passThrough: ClusterOptions['dnsLookup'] = (address, callback) =>
  callback(null, address);

/** An ioredis cluster client of the application, which ends with the test. */
export function clusterClient(
  azure: LocalAzure,
  tls: ConnectionOptions = azure.connection.tls,
  more: Omit<ClusterOptions, 'redisOptions'> = { dnsLookup: passThrough },
): Cluster {
  const { host, port } = azure.connection;
  const client = new Cluster([{ host, port }], {
    clusterRetryStrategy: () => null,
    ...more,
    redisOptions: {
      tls,
      username: azure.identity.objectId,
      password: azure.entra.issue(),
    },
  });
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

export interface SlotKey {
  readonly key: string;
  readonly slot: number;
}

/** A key of each of the masters that a fresh cluster has. */
export const keysByNode = (client: Cluster): Promise<SlotKey[]> =>
  Promise.all([0, 1, 2].map((index) => keyOfNode(client, index)));

/** A key of one of the three masters that a fresh cluster has. */
export async function keyOfNode(client: Cluster, node: number): Promise<SlotKey> {
  for (let index = 0; index < 1_000; index += 1) {
    const key = `key-${index}`;
    const slot = await client.cluster('KEYSLOT', key);
    if (Math.floor((slot * 3) / 16_384) === node) return { key, slot };
  }
  throw new Error(`Expected a key of node ${node}, found none`);
}

/** Ports of the nodes that a client knows, sorted. */
export const portsOf = (client: Cluster, role: 'all' | 'master' | 'slave'): number[] =>
  sorted(client.nodes(role).map(({ options }) => Number(options.port)));

export const sorted = (ports: readonly number[]): number[] =>
  ports.toSorted((one, other) => one - other);
