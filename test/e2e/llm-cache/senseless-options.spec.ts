import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';

describe('options that make no sense', () => {
  let azure: LocalAzure;
  beforeAll(async () => {
    azure = await startLocalAzure();
  });
  afterAll(() => azure.stop());

  const start = async (ignoredParameters?: readonly string[]): Promise<CachedApp> => {
    const llm = ignoredParameters === undefined ? {} : { ignoredParameters };
    const cached = await startCachedApp(azure, { cache: { llm } });
    onTestFinished(() => cached.app.close());
    return cached;
  };

  it.each(['messages', 'model', 'stream', 'tools'])(
    'ignoredParameters: the parameter "%s" cannot be ignored',
    async (name) => {
      await expect(start([name])).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    },
  );

  it.each(['maxEntryBytes', 'staleIfErrorMs', 'staleWhileRevalidateMs'])(
    '%s of a fetch that is no number is refused',
    async (name) => {
      const cached = await start();
      for (const value of [Number.NaN, -1, 0.5]) {
        expect(() => cached.cache.createFetch({ [name]: value })).toThrow(name);
      }
    },
  );
});
