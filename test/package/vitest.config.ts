import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Apart from the suite: these run on the built package, not on the sources.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    globalSetup: ['../environment/provide-redis.ts', 'environment/provide-package.ts'],
    pool: 'forks',
    maxWorkers: availableParallelism(),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Only npm run pack:check -- --update writes the API reports.
    update: 'none',
  },
});
