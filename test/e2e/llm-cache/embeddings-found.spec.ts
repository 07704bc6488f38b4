import type { LlmCacheFetchOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';

const EMBEDDINGS = 'http://127.0.0.1:9/v1/embeddings';

describe('stored vectors', () => {
  let azure: LocalAzure;
  let cached: CachedApp;
  /** What the provider was asked for. */
  let asked: unknown[];
  /** What the provider calls its model. */
  let model: string;
  let headers: Record<string, string>;
  let dimensions: number;

  beforeAll(async () => {
    azure = await startLocalAzure();
    cached = await startCachedApp(azure, { cache: { llm: { clientControls: 'http' } } });
  });
  beforeEach(async () => {
    [asked, model, headers, dimensions] = [[], 'm-1', {}, 2];
    await emptyRedis(cached.redis);
  });
  afterEach(() => vi.useRealTimers());
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });

  /** Like OpenAI: a request without an input is refused. */
  const provider: typeof fetch = async (_url, init) => {
    const text = typeof init?.body === 'string' ? init.body : '{}';
    const { input }: { input?: string[] } = JSON.parse(text);
    asked.push(input);
    if (!Array.isArray(input) || input.length === 0) {
      return Response.json({ error: { message: 'input is required' } }, { status: 400 });
    }
    const embedding = Array.from({ length: dimensions }, (_, at) => 0.123_456_78 + at / 10_000_000);
    const data = input.map((_text, index) => ({ object: 'embedding', index, embedding }));
    const usage = { prompt_tokens: input.length, total_tokens: input.length };
    return Response.json({ object: 'list', data, model, usage }, { headers });
  };

  const embed = (
    input: readonly string[],
    options: LlmCacheFetchOptions = {},
    wishes: Record<string, string> = {},
  ): Promise<ReadAnswer> =>
    cached.read(
      cached.cache.createFetch({ fetch: provider, ...options })(EMBEDDINGS, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...wishes },
        body: JSON.stringify({ model: 'm', input }),
      }),
    );

  const vectorsOf = ({ text }: ReadAnswer): number => {
    const { data = [] }: { data?: unknown[] } = JSON.parse(text);
    return data.length;
  };

  it('make an answer though they have different lifetimes, or are asked for anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await embed(['a'], { ttlMs: 60_000 });
    vi.setSystemTime(Date.now() + 5_000);
    await embed(['b'], { ttlMs: 4_000 });

    const answer = await embed(['a', 'b']);

    expect(asked).not.toContainEqual([]);
    expect([answer.status, vectorsOf(answer)]).toEqual([200, 2]);
  });

  it('of two models by the same name are asked for anew', async () => {
    await embed(['a']);
    model = 'm-2';
    await embed(['b']);

    const answer = await embed(['a', 'b']);

    expect(asked).not.toContainEqual([]);
    expect([answer.status, vectorsOf(answer)]).toEqual([200, 2]);
  });

  it('that are all too old for the caller are asked for anew', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await embed(['a', 'b']);
    vi.setSystemTime(Date.now() + 10_000);

    const answer = await embed(['a', 'b'], {}, { 'cache-control': 'max-age=5' });

    expect(asked).not.toContainEqual([]);
    expect([answer.status, vectorsOf(answer)]).toEqual([200, 2]);
  });

  it('that are too old for the caller are no part of an answer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await embed(['a']);
    vi.setSystemTime(Date.now() + 10_000);

    await embed(['a', 'b'], {}, { 'cache-control': 'max-age=5' });

    expect(asked).toEqual([['a'], ['a', 'b']]);
  });

  it('are stored, each small, though their answer is larger than an entry may be', async () => {
    dimensions = 1_536;
    const many = Array.from({ length: 100 }, (_, index) => `input ${index}`);
    const before = cached.cache.stats.notStored['too-large'] ?? 0;
    await embed(many);
    expect((cached.cache.stats.notStored['too-large'] ?? 0) - before).toBe(0);
    expect((await embed(many)).cache).toBe('HIT');
  });
});
