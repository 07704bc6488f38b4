import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// Apart from the suite: these run on the built package, not on the sources.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    globalSetup: '../environment/provide-redis.ts',
    pool: 'forks',
    testTimeout: 60_000,
  },
});
