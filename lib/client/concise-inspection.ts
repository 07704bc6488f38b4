import { inspect } from 'node:util';
import type { Cluster, Redis } from 'ioredis';

/**
 * Makes `inspect(client)` one line. ioredis keeps commands that are under way in its queues, and
 * with them the token of a HELLO and the values of the cache.
 */
export function inspectConcisely(client: Redis | Cluster): void {
  Object.defineProperty(client, inspect.custom, {
    configurable: true,
    value: () =>
      client.isCluster
        ? `Cluster { status: '${client.status}' }`
        : `Redis { status: '${client.status}', endpoint: '${endpointOf(client)}' }`,
  });
}

function endpointOf({ options }: Redis | Cluster): string {
  return 'host' in options && 'port' in options ? `${options.host}:${options.port}` : 'unknown';
}
