import { CacheModule } from '@nestjs/cache-manager';
import type { DynamicModule } from '@nestjs/common';
import KeyvRedis from '@keyv/redis';
import { Keyv } from 'keyv';
import type { NestSettings, Settings } from './settings.js';

const HOUR_MS = 3_600_000;

/** The cache of Nest as its documentation sets it up. */
export function stockModule(
  { redis, namespace }: Settings,
  stores: NonNullable<NestSettings['stores']>,
): DynamicModule {
  const { host, port, ca, servername, username } = redis;
  return CacheModule.register({
    ttl: HOUR_MS,
    stores: stores.map((store) =>
      store === 'memory'
        ? new Keyv()
        : new Keyv({
            namespace,
            store: new KeyvRedis({
              username,
              password: 'any',
              socket: { host, port, tls: true, ca, servername },
            }),
          }),
    ),
  });
}
