import type { NestSettings } from '../servers/settings.js';
import { nearRows } from './near-rows.js';
import { GET } from './requests.js';
import type { Row, ServerPlan, Source } from './row.interface.js';

const PLATFORMS = ['fastify', 'express'] as const;

const get = (name: string, title: string, server: ServerPlan, source: Source): Row => ({
  name,
  title,
  group: 'GET, answer of 2 KB',
  server,
  request: GET,
  source,
  reference: 'bareRedis',
});

function nest(
  name: string,
  title: string,
  settings: Omit<NestSettings, 'platform'>,
  source: Source,
): readonly Row[] {
  return PLATFORMS.map((platform) => {
    const [Platform, where] =
      platform === 'fastify' ? ['Fastify', 'Nest on Fastify'] : ['Express', 'Nest on Express'];
    const server = { program: 'nest', settings: { ...settings, platform } } as const;
    return get(`${name}${Platform}`, `${where}: ${title}`, server, source);
  });
}

/** The first table. */
export const GET_ROWS: readonly Row[] = [
  get(
    'bareMap',
    'node:http + Map in the process',
    { program: 'bare', settings: { store: 'map', key: 'path' } },
    'cache',
  ),
  get(
    'bareRedis',
    'node:http + ioredis getBuffer (reference)',
    { program: 'bare', settings: { store: 'redis', key: 'path' } },
    'cache',
  ),
  ...nest('constant', 'constant bytes on the raw response', { route: 'constant' }, 'constant'),
  ...nest(
    'intercepted',
    'constant bytes by an interceptor that does nothing else',
    { route: 'intercepted' },
    'constant',
  ),
  ...nest('redisBytes', 'ioredis getBuffer to the raw response', { route: 'redis-bytes' }, 'cache'),
  ...nest('value', 'handler returns a value, no cache', { route: 'value' }, 'handler'),
  ...nest(
    'stockRedis',
    'stock CacheInterceptor + @keyv/redis',
    { route: 'stock', stores: ['redis'] },
    'cache-header',
  ),
  ...nest(
    'stockMemoryRedis',
    'stock CacheInterceptor, memory + @keyv/redis',
    { route: 'stock', stores: ['memory', 'redis'] },
    'cache-header',
  ),
  ...nest(
    'stockMemory',
    'stock CacheInterceptor, memory',
    { route: 'stock', stores: ['memory'] },
    'cache-header',
  ),
  ...nest('redisHit', 'LlmCacheInterceptor, hit in Redis', { route: 'cached' }, 'cache-header'),
  ...nearRows((cache) =>
    nest('nearHit', 'LlmCacheInterceptor, near cache', { route: 'cached', cache }, 'cache-header'),
  ),
];

/** The same as `redisHitFastify`, with a new token every second. */
export const ROTATION_ROW: Row = {
  ...get(
    'redisHitRotating',
    'Nest on Fastify: LlmCacheInterceptor, hit in Redis, a new token every second',
    {
      program: 'nest',
      settings: { platform: 'fastify', route: 'cached', rotationMs: 1_000 },
    },
    'cache-header',
  ),
  rotates: true,
};
