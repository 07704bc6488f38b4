import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';
import { fullJitter } from './full-jitter.js';
import { createGatingConnector } from './gating-connector.js';
import { lateBoundCredentials } from './late-bound-credentials.js';

type NodeOptions = Omit<RedisOptions, 'replyMapping'>;

/** @publicApi */
export type AzureRedisClient = Redis | Cluster;

/** ioredis's own second is too short when every HELLO waits for Azure to validate a token. */
const SLOTS_REFRESH_TIMEOUT_MS = 10_000;

/** An ioredis client that is not connecting yet. */
export function createClient(
  options: AzureRedisOptions,
  tokens: EntraTokenManager,
): AzureRedisClient {
  const { cluster, ...redis } = options.redis;
  const common: NodeOptions = {
    keepAlive: 30_000,
    ...redis,
    ...(options.tls !== false && { tls: options.tls }),
    ...lateBoundCredentials(tokens),
    connectTimeout: options.deadlines.connectMs,
    Connector: createGatingConnector(tokens, options.deadlines.connectMs),
  };
  if (options.topology === 'standalone') {
    const { host, port, db } = options;
    return new Redis({ retryStrategy: fullJitter, ...common, host, port, db, lazyConnect: true });
  }
  return new Cluster([...options.startupNodes], {
    clusterRetryStrategy: fullJitter,
    slotsRefreshTimeout: SLOTS_REFRESH_TIMEOUT_MS,
    // Nodes are announced by IP and the certificate has only DNS names: `tls.servername` is
    // what gets verified, so the start node's name must not be resolved and compared either.
    dnsLookup: (address, callback) => callback(null, address),
    ...cluster,
    redisOptions: common,
    lazyConnect: true,
  });
}
