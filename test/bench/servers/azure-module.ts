import type { DynamicModule } from '@nestjs/common';
import { AzureRedisModule, type AzureRedisModuleOptions } from 'nestjs-azure-redis';
import { BenchCredential } from './bench-credential.js';
import type { Settings } from './settings.js';

/** Load on a shared machine is no reason to go on without Redis. */
const PATIENT = { deadlineMs: 10_000 };

export function azureOptions(
  { redis, namespace }: Settings,
  cache: object = {},
  rotationMs?: number,
): AzureRedisModuleOptions {
  return {
    host: redis.host,
    port: redis.port,
    topology: redis.isCluster === true ? 'cluster' : 'standalone',
    tls: { ca: redis.ca, servername: redis.servername },
    credential: new BenchCredential(redis.username, rotationMs),
    failFast: true,
    cache: { ...PATIENT, ...cache, namespace },
  };
}

export const azureModule = (...options: Parameters<typeof azureOptions>): DynamicModule =>
  AzureRedisModule.forRoot(azureOptions(...options));
