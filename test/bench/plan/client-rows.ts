import type { FetchSettings } from '../servers/settings.js';
import { ASK } from './requests.js';
import type { Row, Source } from './row.interface.js';

const client = (
  name: string,
  title: string,
  cachedBy: FetchSettings['cachedBy'],
  source: Source,
): Row => ({
  name,
  title,
  group: 'AI SDK behind node:http, prompt of 2 KB',
  server: { program: 'fetch', settings: { cachedBy } },
  request: ASK,
  source,
  reference: 'sdkUncached',
});

/** A program that asks a model by an SDK. */
export const CLIENT_ROWS: readonly Row[] = [
  client('sdkUncached', 'generateText, model server on loopback, no cache', 'nothing', 'handler'),
  client(
    'sdkMiddleware',
    'caching middleware of its documentation + ioredis',
    'middleware',
    'cache',
  ),
  client('sdkFetch', 'LlmCacheService.createFetch, hit in Redis', 'fetch', 'cache'),
];
