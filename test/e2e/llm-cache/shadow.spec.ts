import {
  Body,
  Controller,
  Header,
  HttpCode,
  HttpException,
  Inject,
  Injectable,
  Post,
  RequestMethod,
  Res,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { LlmCache, type LlmCacheFetchOptions, type LlmCacheStats } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { from, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  startCachedApp,
  type CachedApp,
  type CachedAppOptions,
  type ReadAnswer,
} from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

const SHADOW = 'LlmCache; fwd=bypass; detail=shadow';
const WORDS = ['in', 'the', 'shadow', 'end'];
/** Routes that answer with the words. */
const STREAMS: ReadonlySet<string> = new Set(['lines', 'events']);
const WINDOW_MS = 60_000;
const USAGE = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
/** No float32 is any of them. */
const VECTOR = [1 / 3, 2 / 3];

@Injectable()
class Model {
  calls = 0;
  /** Bodies that the handlers got. */
  received: unknown[] = [];
  failure: HttpException | undefined;
  /** Calls end when it does. */
  gate: Promise<void> = Promise.resolve();

  async answer(): Promise<object> {
    const call = (this.calls += 1);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return { call };
  }

  async chat(): Promise<object> {
    const message = { role: 'assistant', content: JSON.stringify(await this.answer()) };
    return { choices: [{ index: 0, message, finish_reason: 'stop' }], usage: USAGE };
  }

  embed(body: unknown): object {
    this.calls += 1;
    this.received.push(body);
    const { input = [] } = Object.assign<{ input?: unknown[] }, unknown>({}, body);
    const data = input.map((_text, index) => ({ object: 'embedding', index, embedding: VECTOR }));
    return { object: 'list', data, model: 'm', usage: { prompt_tokens: 4, total_tokens: 4 } };
  }

  async *lines(): AsyncGenerator<string> {
    const answer = await this.answer();
    for (const word of WORDS) yield `data: ${JSON.stringify({ ...answer, word })}\n\n`;
  }

  async *events(): AsyncGenerator<MessageEvent> {
    const answer = await this.answer();
    for (const word of WORDS) yield { data: { ...answer, word } };
  }

  async response(): Promise<Response> {
    return Response.json(await this.answer(), { headers: { 'x-upstream': 'here' } });
  }
}

@Controller('shadow')
@LlmCache({ shadow: true })
class ShadowController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('value')
  value(): Promise<object> {
    return this.#model.answer();
  }

  @Post('response')
  @HttpCode(200)
  response(): Promise<Response> {
    return this.#model.response();
  }

  @Post('lines')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  lines(): AsyncGenerator<string> {
    return this.#model.lines();
  }

  @Sse('events', { method: RequestMethod.POST })
  events(): Observable<MessageEvent> {
    return from(this.#model.events());
  }

  @Post('own')
  async own(@Res() response: { send(text: string): void }): Promise<void> {
    response.send(JSON.stringify(await this.#model.answer()));
  }

  @Post('chat/completions')
  chat(): Promise<object> {
    return this.#model.chat();
  }

  @Post('embeddings')
  embeddings(@Body() body: unknown): object {
    return this.#model.embed(body);
  }

  @Post('given')
  @LlmCache({ shadow: false })
  given(): Promise<object> {
    return this.#model.answer();
  }

  @Post('small')
  @LlmCache({ maxEntryBytes: 1 })
  small(): Promise<object> {
    return this.#model.answer();
  }

  @Post('revalidated')
  @LlmCache({ ttlMs: 1, staleWhileRevalidateMs: WINDOW_MS })
  revalidated(): Promise<object> {
    return this.#model.answer();
  }

  @Post('forgiving')
  @LlmCache({ ttlMs: 1, staleIfErrorMs: WINDOW_MS })
  forgiving(): Promise<object> {
    return this.#model.answer();
  }

  @Post('resumable')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  @LlmCache({ resumable: true })
  resumable(): AsyncGenerator<string> {
    return this.#model.lines();
  }
}

@Controller('plain')
@LlmCache()
class PlainController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('value')
  value(): Promise<object> {
    return this.#model.answer();
  }

  @Post('given')
  @LlmCache({ shadow: false })
  given(): Promise<object> {
    return this.#model.answer();
  }

  @Post('shadowed')
  @LlmCache({ shadow: true })
  shadowed(): Promise<object> {
    return this.#model.answer();
  }
}

const QUESTION = { model: 'm', messages: [{ role: 'user', content: 'Who is there?' }] };

const callOf = ({ text }: ReadAnswer): string => /"call\\?":(\d+)/.exec(text)?.[1] ?? text;
const wordsOf = ({ text }: ReadAnswer): string[] =>
  [...text.matchAll(/"word":"(\w+)"/g)].flatMap(([, word]) => word ?? []);

const OUTCOMES = ['hits', 'misses', 'collapsed', 'stale', 'shadowHits', 'stored'] as const;

/** What was counted in between, without what was not. */
function gained(before: LlmCacheStats, after: LlmCacheStats): Record<string, number> {
  const gains = OUTCOMES.map((name) => [name, after[name] - before[name]] as const);
  return Object.fromEntries(gains.filter(([, gain]) => gain !== 0));
}

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

const startApp = (options: CachedAppOptions): Promise<CachedApp> =>
  startCachedApp(azure, {
    controllers: [ShadowController, PlainController],
    providers: [Model],
    ...options,
  });

/** For one test, with options of the module. */
async function startOwnApp(options: CachedAppOptions): Promise<CachedApp> {
  const own = await startApp(options);
  onTestFinished(() => own.app.close());
  await emptyRedis(own.redis);
  return own;
}

const isPast = (): Promise<void> => {
  const storedBy = Date.now();
  return eventually('the end of a lifetime of 1 ms', () => Date.now() > storedBy + 1);
};

describe.each(PLATFORMS)('shadow mode on %s', (platform) => {
  let cached: CachedApp;
  let model: Model;
  let before: LlmCacheStats;
  beforeAll(async () => {
    cached = await startApp({ platform });
    model = cached.app.get(Model);
  }, 30_000);
  afterAll(() => cached.app.close());
  beforeEach(async () => {
    const fresh = { calls: 0, received: [], failure: undefined, gate: Promise.resolve() };
    Object.assign(model, fresh);
    await emptyRedis(cached.redis);
    before = cached.cache.stats;
  });

  const ask = (path: string, headers: Record<string, string> = {}) =>
    cached.post(path, QUESTION, headers);
  const outcomes = (): Record<string, number> => gained(before, cached.cache.stats);
  const areStored = (count: number): Promise<void> =>
    eventually(`${count} records`, () => cached.cache.stats.stored - before.stored === count);

  it.each(['value', 'response', 'lines', 'events', 'own', 'chat/completions'])(
    'asks the handler each time, stores and counts: %s',
    async (route) => {
      const answers: ReadAnswer[] = [];
      for (let round = 1; round <= 3; round += 1) {
        answers.push(await ask(`shadow/${route}`));
        await areStored(round);
      }
      expect(answers.map(callOf)).toEqual(['1', '2', '3']);
      for (const answer of answers) {
        expect(answer.cacheStatus).toBe(route === 'events' ? null : SHADOW);
        expect(answer.cache).toBeNull();
        expect(answer.headers.get('age')).toBeNull();
        expect(wordsOf(answer)).toEqual(STREAMS.has(route) ? WORDS : []);
      }
      expect(await cached.entries()).toHaveLength(1);
      expect(outcomes()).toEqual({ misses: 3, stored: 3, shadowHits: 2 });
      expect(cached.cache.stats.bypasses).toEqual(before.bypasses);
    },
  );

  it('gives a Response with the status and headers that its handler gave it', async () => {
    await ask('shadow/response');
    const { status, headers } = await ask('shadow/response');
    expect({ status, upstream: headers.get('x-upstream') }).toEqual({
      status: 200,
      upstream: 'here',
    });
  });

  it.each(['value', 'lines', 'events', 'own'])(
    'lets nobody wait for the call of another: %s',
    async (route) => {
      let open: () => void = () => undefined;
      model.gate = new Promise((resolve) => (open = resolve));
      const asked = Array.from({ length: 10 }, () => ask(`shadow/${route}`));
      await eventually('a call for each', () => model.calls === 10);
      open();
      const calls = (await Promise.all(asked)).map(callOf);
      expect(new Set(calls).size).toBe(10);
      await areStored(10);
      expect(outcomes()).toEqual({ misses: 10, stored: 10 });
    },
  );

  it('keeps the answers of different callers apart', async () => {
    await ask('shadow/value', { authorization: 'alice' });
    await ask('shadow/value', { authorization: 'bob' });
    expect(outcomes()).toEqual({ misses: 2, stored: 2 });
    expect(await cached.entries()).toHaveLength(2);
  });

  describe('is set', () => {
    it('by a route, and switched off by one, whatever its controller says', async () => {
      for (const path of ['plain/shadowed', 'shadow/value']) {
        await ask(path);
        expect((await ask(path)).cacheStatus).toBe(SHADOW);
      }
      for (const path of ['plain/value', 'shadow/given']) {
        await ask(path);
        expect((await ask(path)).cache).toBe('HIT');
      }
    });

    it('by the module, for all routes and fetches that do not say otherwise', async () => {
      const own = await startOwnApp({ platform, cache: { llm: { shadow: true } } });
      const started = own.cache.stats;
      for (const path of ['plain/value', 'plain/shadowed']) {
        await own.post(path, QUESTION);
        expect((await own.post(path, QUESTION)).cacheStatus).toBe(SHADOW);
      }
      await own.post('plain/given', QUESTION);
      expect((await own.post('plain/given', QUESTION)).cache).toBe('HIT');
      expect(gained(started, own.cache.stats)).toEqual({
        misses: 5,
        stored: 5,
        shadowHits: 2,
        hits: 1,
      });
    });
  });

  it('passes an error on, and keeps the answer of before', async () => {
    await ask('shadow/value');
    model.failure = new HttpException('The model is down.', 503);
    expect(await ask('shadow/value')).toMatchObject({ status: 503, cacheStatus: SHADOW });
    model.failure = undefined;
    expect(callOf(await ask('shadow/value'))).toBe('3');
    expect(outcomes()).toEqual({ misses: 3, stored: 2, shadowHits: 2 });
  });

  it('says nothing of what cannot be stored but that it is shadow mode', async () => {
    for (let round = 1; round <= 2; round += 1) {
      expect(await ask('shadow/small')).toMatchObject({ status: 201, cacheStatus: SHADOW });
    }
    expect(outcomes()).toEqual({ misses: 2 });
  });

  it('counts a stale answer that would have been given, and asks nobody in the background', async () => {
    await ask('shadow/revalidated');
    await isPast();
    expect(callOf(await ask('shadow/revalidated'))).toBe('2');
    await isPast();
    expect(callOf(await ask('shadow/revalidated'))).toBe('3');
    expect(model.calls).toBe(3);
    expect(outcomes()).toEqual({ misses: 3, stored: 3, shadowHits: 2 });
  });

  describe('with staleIfErrorMs', () => {
    it('gives the error, not the answer of before', async () => {
      await ask('shadow/forgiving');
      await isPast();
      model.failure = new HttpException('The model is down.', 503);
      expect(await ask('shadow/forgiving')).toMatchObject({ status: 503, cacheStatus: SHADOW });
      expect(cached.cache.stats.stale).toBe(before.stale);
    });

    it('counts no answer past its lifetime where the call succeeds', async () => {
      await ask('shadow/forgiving');
      await isPast();
      await ask('shadow/forgiving');
      expect(outcomes()).toEqual({ misses: 2, stored: 2 });
    });
  });

  describe('with wishes of callers', () => {
    const startWithControls = (): Promise<CachedApp> =>
      startOwnApp({ platform, cache: { llm: { clientControls: 'http' } } });

    it('counts no answer that the caller would not have taken: no-cache', async () => {
      const own = await startWithControls();
      await own.post('shadow/value', QUESTION);
      const started = own.cache.stats;
      const headers = { 'cache-control': 'no-cache' };
      expect((await own.post('shadow/value', QUESTION, headers)).cacheStatus).toBe(SHADOW);
      expect(gained(started, own.cache.stats)).toEqual({ misses: 1, stored: 1 });
    });

    it('asks the handler for one who wants only what is cached', async () => {
      const own = await startWithControls();
      const headers = { 'cache-control': 'only-if-cached' };
      const answer = await own.post('shadow/value', QUESTION, headers);
      expect(answer).toMatchObject({ status: 201, cacheStatus: SHADOW });
    });

    it('stores nothing for one who says no-store', async () => {
      const own = await startWithControls();
      await own.post('shadow/value', QUESTION, { 'cache-control': 'no-store' });
      expect(await own.entries()).toEqual([]);
      expect(own.cache.stats.notStored).toEqual({ 'no-store': 1 });
    });
  });

  it('never gives a part of an answer to one who resumes another one', async () => {
    const first = await ask('shadow/resumable');
    const [, second] = [...first.text.matchAll(/^id: ?(\S+)$/gm)].flatMap(([, id]) => id ?? []);
    expect(second).toBeDefined();
    const resumed = await ask('shadow/resumable', { 'last-event-id': second ?? '' });
    expect(resumed.cache).toBeNull();
    expect(resumed.status === 412 ? WORDS : wordsOf(resumed)).toEqual(WORDS);
  });

  describe('with embeddings', () => {
    const embed = (input: readonly string[]) =>
      cached.post('shadow/embeddings', { model: 'm', input });

    it('asks for all inputs each time, those that are stored too', async () => {
      const asked = [['a', 'b'], ['a', 'b'], ['a', 'c'], ['a']];
      for (const input of asked) {
        const answer = await embed(input);
        expect(answer).toMatchObject({ status: 201, cacheStatus: SHADOW });
      }
      expect(model.received).toEqual(asked.map((input) => ({ model: 'm', input })));
      expect(outcomes()).toEqual({ misses: 4, stored: 4, shadowHits: 2 });
    });

    it('asks twice for an input that is there twice', async () => {
      await embed(['a', 'a']);
      expect(model.received).toEqual([{ model: 'm', input: ['a', 'a'] }]);
    });

    it('gives the vectors as the handler gave them', async () => {
      const { text } = await embed(['a', 'b']);
      expect(JSON.parse(text)).toEqual({
        object: 'list',
        data: [0, 1].map((index) => ({ object: 'embedding', index, embedding: VECTOR })),
        model: 'm',
        usage: { prompt_tokens: 4, total_tokens: 4 },
      });
    });

    it('counts the tokens of a request whose inputs were all stored', async () => {
      await embed(['a', 'b']);
      await embed(['b', 'a']);
      const { shadowInputTokens } = cached.cache.stats;
      expect(shadowInputTokens - before.shadowInputTokens).toBe(4);
    });
  });

  it('saves nothing, and tells what it would have saved', async () => {
    const pricing = ({ inputTokens = 0, outputTokens = 0 }) => inputTokens + 2 * outputTokens;
    const own = await startOwnApp({ platform, cache: { llm: { pricing } } });
    for (let round = 1; round <= 3; round += 1) await own.post('shadow/chat/completions', QUESTION);
    const { stats } = own.cache;
    for (const counts of [stats, stats.byModel['m'], stats.byRoute['ShadowController.chat']]) {
      expect(counts).toMatchObject({
        hits: 0,
        misses: 3,
        shadowHits: 2,
        shadowInputTokens: 2 * USAGE.prompt_tokens,
        shadowOutputTokens: 2 * USAGE.completion_tokens,
        shadowCost: 2 * (USAGE.prompt_tokens + 2 * USAGE.completion_tokens),
        savedInputTokens: 0,
        savedOutputTokens: 0,
        savedUpstreamMs: 0,
        savedCost: 0,
      });
    }
  });

  it('answers while Redis is refused', async () => {
    const own = await startOwnApp({ platform, cache: { deadlineMs: 250 } });
    try {
      azure.redis.refuse();
      azure.redis.kill('rst');
      const answer = await own.post('shadow/value', QUESTION);
      expect(answer).toMatchObject({ status: 201, cacheStatus: SHADOW });
    } finally {
      azure.redis.recover();
    }
    await eventually('all are connected again', () =>
      [own, cached].every(({ redis }) => redis.status === 'ready'),
    );
  });
});

describe('shadow mode of a cached fetch', () => {
  const CHAT = 'http://127.0.0.1:9/v1/chat/completions';
  const EMBEDDINGS = 'http://127.0.0.1:9/v1/embeddings';
  let cached: CachedApp;
  let model: Model;
  let before: LlmCacheStats;
  beforeAll(async () => {
    cached = await startApp({ cache: { llm: { clientControls: 'http' } } });
    model = cached.app.get(Model);
  }, 30_000);
  afterAll(() => cached.app.close());
  beforeEach(async () => {
    Object.assign(model, { calls: 0, received: [], gate: Promise.resolve() });
    await emptyRedis(cached.redis);
    before = cached.cache.stats;
  });

  const outcomes = (): Record<string, number> => gained(before, cached.cache.stats);
  const responseOf = (body: string | ReadableStream, more: Record<string, string> = {}): Response =>
    new Response(body, {
      statusText: 'Fine',
      headers: {
        'content-type': 'application/json',
        'x-request-id': `request-${model.calls}`,
        ...more,
      },
    });
  const chat: typeof fetch = async () => responseOf(JSON.stringify(await model.chat()));

  /** Asks by a fetch in shadow mode, unless it is told otherwise. */
  const askWith = (
    options: LlmCacheFetchOptions,
    body: object = QUESTION,
    headers: Record<string, string> = {},
    url = CHAT,
  ): Promise<ReadAnswer> =>
    cached.read(
      cached.cache.createFetch({ shadow: true, fetch: chat, ...options })(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    );

  it('asks the upstream each time, and stores what others are given', async () => {
    for (const call of ['1', '2', '3']) {
      const answer = await askWith({});
      expect(callOf(answer)).toBe(call);
      expect(answer).toMatchObject({ status: 200, cacheStatus: SHADOW, cache: null });
      expect(answer.headers.get('x-request-id')).toBe(`request-${call}`);
    }
    expect(outcomes()).toEqual({ misses: 3, stored: 3, shadowHits: 2 });
    const given = await askWith({ shadow: false });
    expect(given.cache).toBe('HIT');
    expect(callOf(given)).toBe('3');
    expect(model.calls).toBe(3);
  });

  it('gives the stream of its own upstream each time', async () => {
    const stream: typeof fetch = async () => {
      const choice = { index: 0, delta: { content: JSON.stringify(await model.answer()) } };
      const ends = { index: 0, delta: {}, finish_reason: 'stop' };
      const frames = [choice, ends].map((each) => JSON.stringify({ choices: [each] }));
      const body = [...frames, '[DONE]'].map((data) => `data: ${data}\n\n`).join('');
      return responseOf(body, { 'content-type': 'text/event-stream' });
    };
    for (const call of ['1', '2']) {
      const answer = await askWith({ fetch: stream }, { ...QUESTION, stream: true });
      expect(callOf(answer)).toBe(call);
      expect(answer).toMatchObject({ cacheStatus: SHADOW, cache: null });
      expect(answer.text).toMatch(/\[DONE\]\n\n$/);
    }
    expect(outcomes()).toEqual({ misses: 2, stored: 2, shadowHits: 1 });
  });

  it('lets nobody wait for the call of another, whose answer others share', async () => {
    let open: () => void = () => undefined;
    model.gate = new Promise((resolve) => (open = resolve));
    const asked = Array.from({ length: 10 }, () => askWith({}));
    await eventually('a call for each', () => model.calls === 10);
    const sharing = Array.from({ length: 2 }, () => askWith({ shadow: false }));
    await eventually('one call for both', () => model.calls === 11);
    open();
    expect(new Set((await Promise.all(asked)).map(callOf)).size).toBe(10);
    expect(new Set((await Promise.all(sharing)).map(callOf))).toEqual(new Set(['11']));
    expect(outcomes()).toEqual({ misses: 11, stored: 11, collapsed: 1 });
  });

  it('passes a failure on', async () => {
    await askWith({});
    const failing: typeof fetch = async () => new Response('{"error":{}}', { status: 500 });
    const answer = await askWith({ fetch: failing, staleIfErrorMs: WINDOW_MS, ttlMs: 1 });
    expect(answer).toMatchObject({ status: 500, text: '{"error":{}}', cacheStatus: SHADOW });
    const unreachable: typeof fetch = () => Promise.reject(new TypeError('fetch failed'));
    await expect(askWith({ fetch: unreachable })).rejects.toThrow('fetch failed');
  });

  it('tells its mode with an answer that can only be passed on', async () => {
    const encoded: typeof fetch = async () =>
      responseOf(JSON.stringify(await model.chat()), { 'content-encoding': 'x-own' });
    expect(await askWith({ fetch: encoded })).toMatchObject({ status: 200, cacheStatus: SHADOW });
  });

  it('counts no answer that the caller would not have taken: no-cache', async () => {
    await askWith({});
    await askWith({}, QUESTION, { 'cache-control': 'no-cache' });
    expect(outcomes()).toEqual({ misses: 2, stored: 2 });
  });

  it('asks for all inputs each time, and gives what came', async () => {
    const embed: typeof fetch = async (_url, init) => {
      const body: unknown = JSON.parse(typeof init?.body === 'string' ? init.body : '{}');
      return responseOf(JSON.stringify(model.embed(body)));
    };
    for (const call of [1, 2]) {
      const body = { model: 'm', input: ['a', 'b'] };
      const answer = await askWith({ fetch: embed }, body, {}, EMBEDDINGS);
      expect(answer).toMatchObject({ status: 200, cacheStatus: SHADOW });
      expect(model.received[call - 1]).toEqual(body);
      expect(answer.headers.get('x-request-id')).toBe(`request-${call}`);
      expect(JSON.parse(answer.text).data).toHaveLength(2);
    }
  });
});
