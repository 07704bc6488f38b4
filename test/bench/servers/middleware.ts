import type { LanguageModelMiddleware } from 'ai';
import type { Redis } from 'ioredis';

/** What the documentation of the AI SDK keeps answers with, over ioredis. */
export function cachingMiddleware(redis: Redis): LanguageModelMiddleware {
  return {
    specificationVersion: 'v3',
    wrapGenerate: async ({ doGenerate, params, model }) => {
      const key = JSON.stringify({ provider: model.provider, modelId: model.modelId, params });
      const cached = await redis.get(key);
      if (cached !== null) {
        const result: Awaited<ReturnType<typeof doGenerate>> = JSON.parse(cached);
        const timestamp = result.response?.timestamp;
        return {
          ...result,
          response: { ...result.response, ...(timestamp && { timestamp: new Date(timestamp) }) },
        };
      }
      const result = await doGenerate();
      await redis.set(key, JSON.stringify(result));
      return result;
    },
  };
}
