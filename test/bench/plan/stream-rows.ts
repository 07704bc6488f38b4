import { POST_STREAM } from './requests.js';
import type { Row } from './row.interface.js';

const GROUP = 'POST, event stream of 200 frames';

export const STREAM_ROWS: readonly Row[] = [
  {
    name: 'streamPiped',
    title: 'Nest on Fastify: a prepared buffer, piped',
    group: GROUP,
    server: { program: 'nest', settings: { platform: 'fastify', route: 'piped' } },
    request: POST_STREAM,
    source: 'constant',
    reference: 'streamPiped',
  },
  {
    name: 'streamReplayed',
    title: 'Nest on Fastify: LlmCacheInterceptor, replayed from Redis',
    group: GROUP,
    server: { program: 'nest', settings: { platform: 'fastify', route: 'cached-stream' } },
    request: POST_STREAM,
    source: 'cache-header',
    reference: 'streamPiped',
  },
];
