import { Cluster, type Redis } from 'ioredis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import type { AzureRedisConnection } from '../../lib/client/azure-redis-connection.js';
import type { Client } from './work/clients.js';

/**
 * What the registry knows too much or too little of, compared with the clients that the
 * application has and with the sockets that the server sees; empty when all is right.
 */
export function registryProblems(
  { connections }: AzureRedisConnection,
  clients: readonly Client[],
  azure: LocalAzure,
): string[] {
  const live = [...connections.live].map(({ redis }) => redis);
  const expected = new Set(clients.flatMap(instancesOf));
  return [
    ...live
      .filter((redis) => !expected.has(redis) && !isClusterSubscriber(redis))
      .map((redis) => `a stranger (${describe(redis)})`),
    ...live
      .filter(({ status }) => status !== 'ready')
      .map((redis) => `one that is not connected (${describe(redis)})`),
    ...[...expected]
      .filter((redis) => redis.status === 'ready' && !live.includes(redis))
      .map((redis) => `${describe(redis)} is missing`),
    ...(azure.redis.connections === live.length
      ? []
      : [`${live.length} connections, the server has ${azure.redis.connections}`]),
  ];
}

/** Counts from now on how many sockets of these clients are lost. */
export function countLosses(
  connections: AzureRedisConnection['connections'],
  clients: readonly Client[],
): () => number {
  const watched = new Set(clients.flatMap(instancesOf));
  let losses = 0;
  connections.on('closed', ({ redis }) => {
    if (watched.has(redis)) losses += 1;
  });
  return () => losses;
}

const instancesOf = (client: Client): Redis[] =>
  client instanceof Cluster ? client.nodes('all') : [client];

/** ioredis makes and names them itself, and keeps them outside `nodes()`. */
const isClusterSubscriber = ({ options }: Redis): boolean =>
  options.connectionName?.includes('subscriber') === true;

const describe = ({ status, options }: Redis): string =>
  `${options.connectionName ?? 'unnamed'}, ${status}`;
