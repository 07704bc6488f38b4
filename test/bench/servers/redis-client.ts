import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { Settings } from './settings.js';

/** A connected client of ioredis, without this package; its keys are those of the server alone. */
export async function connectRedis({ redis: address, namespace }: Settings): Promise<Redis> {
  const { host, port, username, ca, servername } = address;
  const redis = new Redis({
    host,
    port,
    username,
    password: 'any',
    tls: { ca, servername },
    keyPrefix: `${namespace}:`,
  });
  await once(redis, 'ready');
  return redis;
}
