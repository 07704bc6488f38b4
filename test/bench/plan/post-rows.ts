import type { NestSettings } from '../servers/settings.js';
import { nearRows } from './near-rows.js';
import { POST_100K, POST_2K, POST_UNIQUE } from './requests.js';
import type { Row, ServerPlan, Source } from './row.interface.js';

const SIZES = [
  { size: '2k', group: 'POST, prompt of 2 KB, answer of 2 KB', request: POST_2K },
  { size: '100k', group: 'POST, prompt of 100 KB, answer of 2 KB', request: POST_100K },
];

const post = (name: string, title: string, server: ServerPlan, source: Source): readonly Row[] =>
  SIZES.map(({ size, group, request }) => ({
    name: `${name}${size}`,
    title,
    group,
    server,
    request,
    source,
    reference: `bareHashRedis${size}`,
  }));

const nest = (settings: NestSettings): ServerPlan => ({ program: 'nest', settings });

const UNIQUE_GROUP = 'POST, another prompt of 2 KB each time';

/** The second table, and what a miss costs. */
export const POST_ROWS: readonly Row[] = [
  ...post(
    'bareHashMap',
    'node:http + SHA-256 of the bytes + Map',
    { program: 'bare', settings: { store: 'map', key: 'body' } },
    'cache',
  ),
  ...post(
    'bareHashRedis',
    'node:http + SHA-256 of the bytes + ioredis getBuffer',
    { program: 'bare', settings: { store: 'redis', key: 'body' } },
    'cache',
  ),
  ...post(
    'parseOnlyFastify',
    'Nest on Fastify: body parsed, no cache',
    nest({ platform: 'fastify', route: 'value' }),
    'handler',
  ),
  ...post(
    'postHitFastify',
    'Nest on Fastify: LlmCacheInterceptor, hit in Redis',
    nest({ platform: 'fastify', route: 'cached' }),
    'cache-header',
  ),
  ...post(
    'parseOnlyExpress',
    'Nest on Express: body parsed, no cache',
    nest({ platform: 'express', route: 'value' }),
    'handler',
  ),
  ...post(
    'postHitExpress',
    'Nest on Express: LlmCacheInterceptor, hit in Redis',
    nest({ platform: 'express', route: 'cached' }),
    'cache-header',
  ),
  ...nearRows((cache) => [
    ...post(
      'postNearHitFastify',
      'Nest on Fastify: LlmCacheInterceptor, near cache',
      nest({ platform: 'fastify', route: 'cached', cache }),
      'cache-header',
    ),
    ...post(
      'postNearHitExpress',
      'Nest on Express: LlmCacheInterceptor, near cache',
      nest({ platform: 'express', route: 'cached', cache }),
      'cache-header',
    ),
  ]),
  {
    name: 'uniqueUncached',
    title: 'Nest on Fastify: body parsed, no cache',
    group: UNIQUE_GROUP,
    server: nest({ platform: 'fastify', route: 'value' }),
    request: POST_UNIQUE,
    source: 'handler',
    reference: 'uniqueUncached',
  },
  {
    name: 'uniqueMiss',
    title: 'Nest on Fastify: LlmCacheInterceptor, a miss that is stored',
    group: UNIQUE_GROUP,
    server: nest({ platform: 'fastify', route: 'cached' }),
    request: POST_UNIQUE,
    source: 'handler',
    reference: 'uniqueUncached',
  },
];
