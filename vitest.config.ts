import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const realRedis = { globalSetup: path('./test/environment/provide-redis.ts') };
const BROWSER_SPECS = [
  'test/e2e/sample/playground.spec.ts',
  'test/e2e/sample/playground-access.spec.ts',
];
/** They need Node 22. */
const hasNewestSdks = Number(process.versions.node.split('.')[0]) >= 22;

export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^nestjs-azure-redis\/(health|telemetry|testing)$/,
        replacement: path('./lib/$1/index.ts'),
      },
      { find: /^nestjs-azure-redis$/, replacement: path('./lib/index.ts') },
    ],
  },
  test: {
    pool: 'forks',
    // Most of these tests wait, for timers and sockets.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // A shared machine may stand still for longer than a token of 3 s lives.
    retry: process.env['CI'] === undefined ? 0 : 1,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.spec.ts'] } },
      {
        extends: true,
        test: {
          name: 'real parts',
          include: ['test/{contract,e2e,chaos}/**/*.spec.ts'],
          exclude: BROWSER_SPECS,
          provide: { ioredisMajor: 6 },
          ...realRedis,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: BROWSER_SPECS,
          globalSetup: [realRedis.globalSetup, path('./test/environment/provide-chromium.ts')],
        },
      },
      {
        // The client contract once more, on the oldest ioredis that is supported.
        extends: true,
        resolve: { alias: [{ find: /^ioredis$/, replacement: 'ioredis5' }] },
        test: {
          name: 'ioredis 5',
          include: ['test/contract/client/**/*.spec.ts'],
          provide: { ioredisMajor: 5 },
          ...realRedis,
        },
      },
      ...(hasNewestSdks
        ? [
            {
              // The SDK conformance once more, with the newest clients.
              extends: true as const,
              resolve: {
                alias: [
                  { find: /^openai$/, replacement: 'openai-newest' },
                  { find: /^ai$/, replacement: 'ai-newest' },
                  { find: /^@ai-sdk\/openai$/, replacement: 'ai-sdk-openai-newest' },
                  { find: /^@ai-sdk\/anthropic$/, replacement: 'ai-sdk-anthropic-newest' },
                ],
              },
              test: { name: 'newest SDKs', include: ['test/e2e/sdk/**/*.spec.ts'], ...realRedis },
            },
          ]
        : []),
    ],
  },
});
