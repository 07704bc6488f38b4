import { setTimeout as sleep } from 'node:timers/promises';
import {
  Body,
  Controller,
  HttpCode,
  Inject,
  Injectable,
  Post,
  Req,
  type ExecutionContext,
} from '@nestjs/common';
import {
  LlmCache,
  type AzureRedisCacheOptions,
  type LlmCacheClientControls,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { PLATFORMS, type Platform } from '../../fixtures/gateway-app.js';

/** Keeps what reached the handlers. */
@Injectable()
class Model {
  bodies: unknown[] = [];
  /** Without those that Nest does not keep. */
  rawBodies: string[] = [];

  complete(body: unknown, rawBody: Buffer | undefined): object {
    this.bodies.push(body);
    if (rawBody !== undefined) this.rawBodies.push(rawBody.toString());
    const message = { role: 'assistant', content: `answer ${this.bodies.length}` };
    return { choices: [{ index: 0, message, finish_reason: 'stop' }] };
  }
}

@Controller()
@LlmCache()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('chat/completions')
  @HttpCode(200)
  chat(@Body() body: unknown, @Req() { rawBody }: { rawBody?: Buffer }): object {
    return this.#model.complete(body, rawBody);
  }

  @Post('other')
  @HttpCode(200)
  other(@Body() body: unknown, @Req() { rawBody }: { rawBody?: Buffer }): object {
    return this.#model.complete(body, rawBody);
  }
}

@Controller('some')
@LlmCache({
  ttlMs: 50_000,
  cacheable: (context: ExecutionContext) =>
    !('private' in context.switchToHttp().getRequest<{ body: object }>().body),
})
class SomeController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('chat/completions')
  @HttpCode(200)
  chat(@Body() body: unknown, @Req() { rawBody }: { rawBody?: Buffer }): object {
    return this.#model.complete(body, rawBody);
  }
}

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

let cached: CachedApp;
let model: Model;

/** For all tests of a suite. */
function useApp(
  platform: Platform,
  clientControls: LlmCacheClientControls,
  more: AzureRedisCacheOptions = {},
): void {
  beforeAll(async () => {
    cached = await startCachedApp(azure, {
      platform,
      rawBody: true,
      controllers: [ModelController, SomeController],
      providers: [Model],
      cache: { ...more, llm: { clientControls, maxTtlMs: 60_000 } },
    });
    model = cached.app.get(Model);
  }, 30_000);
  afterAll(() => cached.app.close());
  beforeEach(async () => {
    Object.assign(model, { bodies: [], rawBodies: [] });
    await emptyRedis(cached.redis);
  });
}

const QUESTION = { messages: [{ role: 'user', content: 'Why?' }] };
const CHAT = 'chat/completions';

/** With a wish in `Cache-Control`. */
const askHttp = (cacheControl: string, headers: Record<string, string> = {}): Promise<ReadAnswer> =>
  cached.post(CHAT, QUESTION, { 'cache-control': cacheControl, ...headers });

/** With a wish in LiteLLM's body member. */
const askLite = (cache: unknown, headers: Record<string, string> = {}): Promise<ReadAnswer> =>
  cached.post(CHAT, { ...QUESTION, cache }, headers);

const ask = (headers: Record<string, string> = {}): Promise<ReadAnswer> =>
  cached.post(CHAT, QUESTION, headers);

describe.each(PLATFORMS)('without clientControls on %s', (platform) => {
  useApp(platform, false);

  it.each(['no-cache', 'no-store', 'max-age=0', 'only-if-cached'])(
    'Cache-Control: %s means nothing',
    async (wish) => {
      expect(await askHttp(wish)).toMatchObject({
        status: 200,
        cacheStatus: 'LlmCache; fwd=miss; stored',
      });
      expect(await askHttp(wish)).toMatchObject({ status: 200, cache: 'HIT' });
      expect(model.bodies).toHaveLength(1);
    },
  );

  it.each([
    { 'no-cache': true },
    { 'no-store': true },
    { 's-maxage': 0 },
    { ttl: 1 },
    { namespace: 'mine' },
  ])('the body member means nothing, and the handler gets it: %o', async (wish) => {
    await ask();
    expect(await askLite(wish)).toHaveProperty('cache', 'HIT');
    await emptyRedis(cached.redis);
    await askLite(wish);
    expect(await cached.lifetime()).toBeGreaterThan(60_000);
    expect(model.bodies.at(-1)).toEqual({ ...QUESTION, cache: wish });
  });
});

describe.each(PLATFORMS)("with clientControls 'http' on %s", (platform) => {
  useApp(platform, 'http');

  it('no-cache: a fresh answer, which is stored for all', async () => {
    await ask();
    const fresh = await askHttp('no-cache');
    expect(fresh).toMatchObject({ cacheStatus: 'LlmCache; fwd=request; stored', cache: 'MISS' });
    expect(fresh.text).toContain('answer 2');
    expect(await ask()).toMatchObject({ cache: 'HIT', text: fresh.text });
  });

  it('no-cache: even while others ask the same', async () => {
    const answers = await Promise.all([askHttp('no-cache'), ask(), askHttp('no-cache')]);
    const fresh = [answers[0]?.text, answers[2]?.text];
    expect(new Set(fresh).size).toBe(2);
    expect(model.bodies.length).toBeGreaterThanOrEqual(2);
  });

  it('Pragma: no-cache counts as well', async () => {
    await ask();
    expect((await ask({ pragma: 'no-cache' })).cacheStatus).toMatch(/fwd=request/);
  });

  it('no-store: an answer that nobody else gets', async () => {
    for (let call = 1; call <= 2; call += 1) {
      const answer = await askHttp('no-store');
      expect(answer.cacheStatus).toBe('LlmCache; fwd=miss; detail=no-store');
      expect(answer.text).toContain(`answer ${call}`);
    }
    expect(await cached.entries()).toEqual([]);
  });

  it('no-store: not even one who asks at the same time', async () => {
    const answers = await Promise.all([askHttp('no-store'), ask(), askHttp('no-store')]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(3);
  });

  it('no-store: a stored answer is given all the same', async () => {
    await ask();
    expect((await askHttp('no-store')).cache).toBe('HIT');
  });

  it('max-age: no older answer than that', async () => {
    await ask();
    expect((await askHttp('max-age=60')).cache).toBe('HIT');
    await sleep(1_100);
    const fresh = await askHttp('max-age=1');
    expect(fresh).toMatchObject({ cache: 'MISS' });
    expect(fresh.text).toContain('answer 2');
    expect(await ask()).toMatchObject({ cache: 'HIT', text: fresh.text });
    expect((await askHttp('max-age=0')).text).toContain('answer 3');
  });

  it('only-if-cached: 504 where there is none, and nobody is asked', async () => {
    expect(await askHttp('only-if-cached')).toMatchObject({ status: 504, cache: 'MISS' });
    expect(model.bodies).toEqual([]);
    const { text } = await ask();
    expect(await askHttp('only-if-cached')).toMatchObject({ status: 200, cache: 'HIT', text });
  });

  it('only-if-cached: 504 where what there is is too old', async () => {
    await ask();
    await sleep(1_100);
    expect((await askHttp('only-if-cached, max-age=1')).status).toBe(504);
    expect((await askHttp('only-if-cached, max-age=60')).status).toBe(200);
  });

  it("only-if-cached: never another caller's", async () => {
    await ask({ authorization: 'alice' });
    expect((await askHttp('only-if-cached', { authorization: 'bob' })).status).toBe(504);
    expect((await askHttp('only-if-cached', { authorization: 'alice' })).status).toBe(200);
  });

  it('what is not understood means nothing', async () => {
    await ask();
    for (const wish of ['max-age=soon', 'private', 'no-cash', ',;=']) {
      expect((await askHttp(wish)).cache).toBe('HIT');
    }
  });

  it("LiteLLM's body member means nothing, and the handler gets it", async () => {
    await ask();
    expect((await askLite({ 'no-cache': true })).cache).toBe('HIT');
    await emptyRedis(cached.redis);
    await askLite({ ttl: 5 });
    expect(model.bodies.at(-1)).toEqual({ ...QUESTION, cache: { ttl: 5 } });
    expect(await cached.lifetime()).toBeGreaterThan(60_000);
  });
});

describe.each(PLATFORMS)("with clientControls 'litellm' on %s", (platform) => {
  useApp(platform, 'litellm');

  it.each([
    [5, 5_000],
    [0.5, 500],
    [3_600, 60_000],
    [1e300, 60_000],
  ])('ttl %d: the entry lives for %i ms, never longer than maxTtlMs', async (ttl, ttlMs) => {
    await askLite({ ttl });
    const lifetime = await cached.lifetime();
    expect(lifetime).toBeLessThanOrEqual(ttlMs);
    expect(lifetime).toBeGreaterThan(Math.max(0, ttlMs - 4_000));
  });

  it.each([-1, 0, 'long', null])('ttl %s means nothing', async (ttl) => {
    await askLite({ ttl });
    expect(await cached.lifetime()).toBeGreaterThan(60_000);
  });

  it('ttl: before that of the route', async () => {
    await cached.post('some/chat/completions', { ...QUESTION, cache: { ttl: 5 } });
    expect(await cached.lifetime()).toBeLessThanOrEqual(5_000);
  });

  it('no-cache: a fresh answer, which is stored for all', async () => {
    await ask();
    const fresh = await askLite({ 'no-cache': true });
    expect(fresh.cacheStatus).toBe('LlmCache; fwd=request; stored');
    expect(await ask()).toMatchObject({ cache: 'HIT', text: fresh.text });
  });

  it('no-store: nothing is stored', async () => {
    await askLite({ 'no-store': true });
    expect(await cached.entries()).toEqual([]);
  });

  it.each(['s-maxage', 's-max-age'])('%s: no older answer than that', async (name) => {
    await ask();
    expect((await askLite({ [name]: 60 })).cache).toBe('HIT');
    expect((await askLite({ [name]: 0 })).cache).toBe('MISS');
    await sleep(300);
    expect((await askLite({ [name]: 0.2 })).cache).toBe('MISS');
  });

  it('namespace: parts of the cache that share nothing', async () => {
    const first = await askLite({ namespace: 'a' });
    expect((await askLite({ namespace: 'b' })).cache).toBe('MISS');
    expect((await ask()).cache).toBe('MISS');
    expect(await askLite({ namespace: 'a' })).toMatchObject({ cache: 'HIT', text: first.text });
    expect(await cached.entries()).toHaveLength(3);
  });

  it('namespace: no way to the answers of another caller', async () => {
    const askAs = (authorization: string) => askLite({ namespace: 'a' }, { authorization });
    const first = await askAs('alice');
    const other = await askAs('bob');
    expect(other.cache).toBe('MISS');
    expect(other.text).not.toBe(first.text);
    expect((await askLite({ namespace: 'a' })).cache).toBe('MISS');
    expect((await askAs('alice')).cache).toBe('HIT');
  });

  it('Cache-Control counts as well', async () => {
    await ask();
    expect((await askHttp('no-cache')).cacheStatus).toMatch(/fwd=request/);
  });

  it.each([CHAT, 'other'])('the handler sees no member, nor its bytes: %s', async (path) => {
    await cached.post(path, { ...QUESTION, cache: { ttl: 5 } });
    expect(model.bodies).toEqual([QUESTION]);
    expect(model.rawBodies.map((text) => JSON.parse(text))).toEqual([QUESTION]);
  });

  it.each([CHAT, 'other'])('the member is no part of the question: %s', async (path) => {
    await cached.post(path, { ...QUESTION, cache: { ttl: 5 } });
    expect((await cached.post(path, QUESTION)).cache).toBe('HIT');
    expect((await cached.post(path, { ...QUESTION, cache: 'no object' })).cache).toBe('HIT');
  });

  it.each([
    ['what is not cacheable', 'some/chat/completions', { ...QUESTION, private: true }],
    ['what has no key', CHAT, { ...QUESTION, seed: 2 ** 53 }],
    ['a question about an earlier one', CHAT, { ...QUESTION, previous_response_id: 'r1' }],
  ])('the handler sees no member either of %s', async (_what, path, question) => {
    const { cacheStatus } = await cached.post(path, { ...question, cache: { ttl: 5 } });
    expect(cacheStatus).toMatch(/fwd=bypass/);
    expect(model.bodies).toEqual([question]);
    expect(model.rawBodies.map((text) => JSON.parse(text))).toEqual([question]);
  });

  it('a body without the member reaches the handler byte by byte', async () => {
    await ask();
    expect(model.rawBodies).toEqual([JSON.stringify(QUESTION)]);
  });
});

describe.each(PLATFORMS)("with clientControls 'litellm' and mode default_off on %s", (platform) => {
  useApp(platform, 'litellm', { mode: 'default_off' });

  it('nothing is cached that does not ask for it', async () => {
    for (let round = 1; round <= 2; round += 1) {
      expect(await ask()).toMatchObject({
        cache: null,
        cacheStatus: 'LlmCache; fwd=bypass; detail=default-off',
      });
    }
    expect(await cached.entries()).toEqual([]);
  });

  it('use-cache: stored, and given to those alone who ask for it', async () => {
    const first = await askLite({ 'use-cache': true });
    expect(first.cache).toBe('MISS');
    expect(await askLite({ 'use-cache': true })).toMatchObject({ cache: 'HIT', text: first.text });
    expect((await ask()).cache).toBeNull();
    expect(model.bodies).toEqual([QUESTION, QUESTION]);
  });

  it.each([false, 'true', 1])('use-cache %s means nothing', async (wish) => {
    expect((await askLite({ 'use-cache': wish })).cache).toBeNull();
  });

  it('the handler sees no member of what is not cached either', async () => {
    await askLite({ ttl: 5 });
    expect(model.bodies).toEqual([QUESTION]);
    expect(model.rawBodies.map((text) => JSON.parse(text))).toEqual([QUESTION]);
  });
});

describe.each([false, 'http'] as const)(
  'with clientControls %s and mode default_off',
  (clientControls) => {
    useApp('express', clientControls, { mode: 'default_off' });

    it('use-cache means nothing', async () => {
      expect((await askLite({ 'use-cache': true })).cache).toBeNull();
    });
  },
);
