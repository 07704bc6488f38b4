import { Body, Controller, HttpCode, Inject, Injectable, Post } from '@nestjs/common';
import { LlmCache, type LlmCacheExplanation, type LlmCacheOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS, type Platform } from '../../fixtures/gateway-app.js';

const CHAT = 'https://api.example.com/v1/chat/completions';
const MESSAGES = 'https://api.example.com/v1/messages';
const RESPONSES = 'https://api.example.com/v1/responses';

const user = (content: string): object => ({ role: 'user', content });
const SYSTEM = { role: 'system', content: 'Be brief.' };
const HISTORY = [user('Hi'), { role: 'assistant', content: 'Hello' }];

const CHAT_BODY = { model: 'm1', messages: [SYSTEM, ...HISTORY, user('How are you?')] };
const schemaOf = (name: string): object => ({
  type: 'json_schema',
  json_schema: { name, schema: { type: 'object' } },
});

/** Of a request for {@link CHAT_BODY}, and what is told of it. */
const CHANGES: readonly (readonly [changed: string, body: object, differs: readonly string[]])[] = [
  ['the model', { ...CHAT_BODY, model: 'm2' }, ['model']],
  [
    'the instructions',
    {
      ...CHAT_BODY,
      messages: [{ ...SYSTEM, content: 'Be kind.' }, ...CHAT_BODY.messages.slice(1)],
    },
    ['system'],
  ],
  [
    'the tools',
    { ...CHAT_BODY, tools: [{ type: 'function', function: { name: 'add' } }] },
    ['tools'],
  ],
  ['the schema', { ...CHAT_BODY, response_format: schemaOf('one') }, ['schema']],
  ['a parameter', { ...CHAT_BODY, temperature: 0.5 }, ['parameters']],
  ['a parameter that nobody knows', { ...CHAT_BODY, brand_new: true }, ['parameters']],
  [
    'the history',
    { ...CHAT_BODY, messages: [SYSTEM, user('Hey'), ...CHAT_BODY.messages.slice(2)] },
    ['history'],
  ],
  [
    'the last message',
    { ...CHAT_BODY, messages: [...CHAT_BODY.messages.slice(0, -1), user('And you?')] },
    ['last message'],
  ],
  [
    'several parts',
    { ...CHAT_BODY, model: 'm2', top_p: 0.1, messages: [SYSTEM, user('How are you?')] },
    ['model', 'parameters', 'history'],
  ],
];

/** RFC 9211: a cache, its parameters, and a detail that is a token or a string (RFC 8941). */
const CACHE_STATUS =
  /^LlmCache(?:; [a-z]+(?:=(?:-?\d+|[A-Za-z*][\w.-]*|"[\u0020-\u0021\u0023-\u005B\u005D-\u007E]*"))?)+$/;
const NAMES =
  /^(?:model|system|tools|schema|parameters|history|last message|epoch|policy|nothing)$/;

function expectDetail({ cacheStatus }: ReadAnswer, differs: readonly string[]): void {
  expect(cacheStatus).toMatch(CACHE_STATUS);
  const [, told = ''] = /; detail="differs: (.+); stored \d+ s ago"/.exec(cacheStatus ?? '') ?? [];
  const names = told.split(', ');
  for (const name of names) expect(name).toMatch(NAMES);
  expect(names).toEqual(differs);
}

@Injectable()
class Model {
  calls = 0;

  answer(): object {
    const message = { role: 'assistant', content: `answer ${(this.calls += 1)}` };
    return { id: 'chatcmpl-1', choices: [{ index: 0, message, finish_reason: 'stop' }] };
  }
}

@Controller()
@LlmCache()
class ChatController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('v1/chat/completions')
  @HttpCode(200)
  chat(): object {
    return this.#model.answer();
  }

  @Post('unfinished/chat/completions')
  @HttpCode(200)
  unfinished(@Body() body: object): object {
    const message = { role: 'assistant', content: JSON.stringify(body) };
    return { choices: [{ index: 0, message, finish_reason: 'length' }] };
  }
}

const ANSWERS: Readonly<Record<string, object>> = {
  [CHAT]: {
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Fine.' }, finish_reason: 'stop' },
    ],
  },
  [MESSAGES]: {
    type: 'message',
    content: [{ type: 'text', text: 'Fine.' }],
    stop_reason: 'end_turn',
  },
  [RESPONSES]: {
    status: 'completed',
    output: [{ type: 'message', content: [{ type: 'output_text', text: 'Fine.' }] }],
  },
};

const upstream = async (input: string | URL | Request): Promise<Response> =>
  Response.json(ANSWERS[input instanceof Request ? input.url : input.toString()] ?? {});

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterAll(() => azure.stop());

const startApp = (llm: LlmCacheOptions, platform: Platform = 'express'): Promise<CachedApp> =>
  startCachedApp(azure, {
    platform,
    cache: { llm },
    controllers: [ChatController],
    providers: [Model],
  });

const recentKeys = ({ redis }: CachedApp): Promise<string[]> => redis.keys('*llm:recent:*');

const SECRETS = ['a secret of thirty-two characters', 'one more of thirty-two characters'];

describe.each([
  ['not encrypted', {}],
  ['encrypted', { encryption: { secrets: SECRETS } }],
])('what the application is told (%s)', (_whether, more) => {
  let app: CachedApp;
  beforeAll(async () => {
    app = await startApp({ ...more, explain: true });
  });
  afterAll(() => app.app.close());
  beforeEach(() => emptyRedis(app.redis));

  interface Asked {
    readonly url?: string;
    readonly scope?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly tags?: readonly string[];
  }

  const ask = ({ url = CHAT, headers, ...options }: Asked, body: unknown): Promise<ReadAnswer> =>
    app.read(
      app.cache.createFetch({ fetch: upstream, ...options })(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    );
  const explain = ({ url = CHAT, ...options }: Asked, body: unknown) =>
    app.cache.explain({ url, body, ...options });
  /** What becomes of the request itself. */
  async function doneBy(asked: Asked, body: unknown) {
    const before = app.cache.stats;
    const { cache } = await ask(asked, body);
    const { misses, hits } = app.cache.stats;
    return { cache, misses: misses - before.misses, hits: hits - before.hits };
  }

  /** Stored, and remembered for explanations. */
  async function store(asked: Asked, body: object): Promise<void> {
    const listsBefore = await Promise.all(
      (await recentKeys(app)).map((key) => app.redis.llen(key)),
    );
    expect((await ask(asked, body)).cache).toBe('MISS');
    const total = (lengths: readonly number[]): number => lengths.reduce((a, b) => a + b, 0);
    await eventually('the digests', async () => {
      const keys = await recentKeys(app);
      const lists = await Promise.all(keys.map((key) => app.redis.llen(key)));
      return total(lists) >= total(listsBefore) + 2;
    });
  }

  const expectMiss = (
    explanation: LlmCacheExplanation,
    differs: readonly string[],
    since: number,
  ): void => {
    expect(explanation).toEqual({
      result: 'miss',
      key: expect.any(String),
      differs,
      storedAt: expect.any(Date),
    });
    expect(explanation.storedAt?.getTime()).toBeGreaterThanOrEqual(since);
    expect(explanation.storedAt?.getTime()).toBeLessThanOrEqual(Date.now());
  };

  it('a miss, when there is nothing to compare with', async () => {
    const explanation = await explain({}, CHAT_BODY);
    expect(explanation).toEqual({ result: 'miss', key: expect.any(String) });
  });

  it('a hit, and when it was stored', async () => {
    const since = Date.now();
    await store({}, CHAT_BODY);
    const explanation = await explain({}, CHAT_BODY);
    expect(explanation).toEqual({
      result: 'hit',
      key: expect.any(String),
      storedAt: expect.any(Date),
    });
    expect(explanation.storedAt?.getTime()).toBeGreaterThanOrEqual(since);
  });

  it.each(CHANGES)('a miss, when %s differs', async (_changed, body, differs) => {
    const since = Date.now();
    await store({}, CHAT_BODY);
    expectMiss(await explain({}, body), differs, since);
    expect((await explain({}, CHAT_BODY)).result).toBe('hit');
  });

  it('a miss by the nearest of several', async () => {
    const since = Date.now();
    for (const [, body] of CHANGES.slice(0, 3)) await store({}, body);
    expectMiss(await explain({}, { ...CHAT_BODY, model: 'm2', seed: 1 }), ['parameters'], since);
  });

  it('what somebody else has asked, and nothing more of it', async () => {
    await store({ scope: 'one' }, CHAT_BODY);
    expect(await explain({ scope: 'other' }, CHAT_BODY)).toEqual({
      result: 'miss',
      key: expect.any(String),
      differs: ['principal'],
      storedAt: undefined,
    });
    const otherQuestion = { ...CHAT_BODY, temperature: 1 };
    const unlike = await explain({ scope: 'other' }, otherQuestion);
    expect(unlike).toEqual({ result: 'miss', key: expect.any(String) });
    const [one, other] = [{ authorization: 'Bearer 1' }, { authorization: 'Bearer 2' }];
    await store({ headers: one }, otherQuestion);
    const byCredential = await explain({ headers: other }, otherQuestion);
    expect(byCredential.differs).toEqual(['principal']);
  });

  it.each([
    ['everything', { all: true }],
    ['the tag', { tag: 'project' }],
    ['the model', { model: 'invalidated' }],
    ['the principal', { principal: 'tenant' }],
  ] as const)('that %s was invalidated since', async (_what, target) => {
    const since = Date.now();
    const asked = { scope: 'tenant', tags: ['project'] };
    const body = { ...CHAT_BODY, model: 'invalidated' };
    await store(asked, body);
    await app.cache.invalidate(target);
    expectMiss(await explain(asked, body), ['epoch'], since);
  });

  it('that this answer was invalidated by its key', async () => {
    const since = Date.now();
    const body = { ...CHAT_BODY, model: 'by-key' };
    await store({}, body);
    const { key = '' } = await explain({}, body);
    await app.cache.invalidate({ key });
    expectMiss(await explain({}, body), ['epoch'], since);
  });

  it('nothing of an invalidation before both of them', async () => {
    const since = Date.now();
    const body = { ...CHAT_BODY, model: 'invalidated-before' };
    await app.cache.invalidate({ model: body.model });
    await store({}, body);
    expectMiss(await explain({}, { ...body, model: 'm2' }), ['model'], since);
  });

  it('that headers have another meaning', async () => {
    const since = Date.now();
    const body = { model: 'm1', max_tokens: 9, messages: [user('Hi')] };
    await store({ url: MESSAGES, headers: { 'anthropic-beta': 'one' } }, body);
    const other = { url: MESSAGES, headers: { 'anthropic-beta': 'other' } };
    expectMiss(await explain(other, body), ['policy'], since);
    expectMiss(await explain({ url: MESSAGES }, body), ['policy'], since);
  });

  it('that nothing differs, when its entry is gone', async () => {
    const since = Date.now();
    await store({}, CHAT_BODY);
    for (const key of await app.entries()) await app.redis.unlink(key);
    expectMiss(await explain({}, CHAT_BODY), [], since);
  });

  it.each([
    [MESSAGES, { model: 'm1', max_tokens: 9, system: 'Be brief.', messages: [user('Hi')] }],
    [RESPONSES, { model: 'm1', store: false, instructions: 'Be brief.', input: 'Hi' }],
  ])('the same of another API: %s', async (url, body) => {
    const since = Date.now();
    await store({ url }, body);
    const system = 'system' in body ? { system: 'Be kind.' } : { instructions: 'Be kind.' };
    expectMiss(await explain({ url }, { ...body, ...system }), ['system'], since);
    expectMiss(await explain({ url }, { ...body, model: 'm2' }), ['model'], since);
    expectMiss(await explain({ url }, { ...body, temperature: 1 }), ['parameters'], since);
  });

  it.each([
    ['what is no object', CHAT, 'Hi', 'call-type'],
    ['a request of no known API', 'https://api.example.com/v1/other', CHAT_BODY, 'call-type'],
    [
      'a request with a state',
      RESPONSES,
      { model: 'm1', input: 'Hi', background: true },
      'stateful',
    ],
    ['a request for a hosted tool', CHAT, { ...CHAT_BODY, web_search_options: {} }, 'hosted-tool'],
  ])('a bypass and its reason: %s', async (_what, url, body, reason) => {
    const explanation = await explain({ url }, body);
    expect(explanation).toEqual({ result: 'bypass', reason });
    const { cache, misses, hits } = await doneBy({ url }, body);
    expect([cache, misses, hits]).toEqual([null, 0, 0]);
  });

  it('nothing that costs a call, or stores anything', async () => {
    await store({}, CHAT_BODY);
    const before = await app.redis.keys('*');
    const hits = app.cache.stats;
    await explain({}, CHAT_BODY);
    await explain({}, { ...CHAT_BODY, model: 'm2' });
    expect((await app.redis.keys('*')).toSorted()).toEqual(before.toSorted());
    expect(app.cache.stats).toEqual(hits);
  });
});

describe.each(PLATFORMS)('what the caller of a route is told (%s)', (platform) => {
  let app: CachedApp;
  beforeAll(async () => {
    app = await startApp({ explain: true }, platform);
  });
  afterAll(() => app.app.close());
  beforeEach(() => emptyRedis(app.redis));

  const ask = async (
    body: object,
    headers: Record<string, string> = {},
    path = 'v1/chat/completions',
  ): Promise<ReadAnswer> => {
    const answer = await app.post(path, body, headers);
    await app.redis.ping();
    return answer;
  };

  async function store(body: object, headers?: Record<string, string>): Promise<ReadAnswer> {
    const answer = await ask(body, headers);
    await eventually('the digests', async () => (await recentKeys(app)).length >= 2);
    return answer;
  }

  it('nothing of a first miss, and nothing of a hit', async () => {
    expect((await store(CHAT_BODY)).cacheStatus).toBe('LlmCache; fwd=miss; stored');
    const hit = await ask(CHAT_BODY);
    expect(hit.cacheStatus).toMatch(/^LlmCache; hit; ttl=\d+$/);
  });

  it.each(CHANGES)('what differs: %s', async (_changed, body, differs) => {
    await store(CHAT_BODY);
    const answer = await ask(body);
    expectDetail(answer, differs);
    expect(answer.cacheStatus).toMatch(/^LlmCache; fwd=miss; stored; detail=/);
  });

  it('that there was an invalidation, or that headers differ', async () => {
    const body = { ...CHAT_BODY, model: 'invalidated' };
    await store(body);
    expectDetail(await ask(body, { 'anthropic-beta': 'other' }), ['policy']);
    await app.cache.invalidate({ model: 'invalidated' });
    expectDetail(await ask(body), ['epoch']);
  });

  it('that the entry is gone', async () => {
    await store(CHAT_BODY);
    for (const key of await app.entries()) await app.redis.unlink(key);
    expectDetail(await ask(CHAT_BODY), ['nothing']);
  });

  it('never that somebody else has asked the same', async () => {
    await store(CHAT_BODY, { authorization: 'Bearer 1' });
    const answer = await ask(CHAT_BODY, { authorization: 'Bearer 2' });
    expect(answer.cacheStatus).toBe('LlmCache; fwd=miss; stored');
  });

  it('rather why it was not stored', async () => {
    const path = 'unfinished/chat/completions';
    await ask(CHAT_BODY, {}, path);
    const { cacheStatus } = await ask({ ...CHAT_BODY, model: 'm2' }, {}, path);
    expect(cacheStatus).toBe('LlmCache; fwd=miss; detail=unfinished');
  });
});

describe('without the option', () => {
  it('nothing is kept, and nothing is told', async () => {
    const app = await startApp({});
    try {
      await emptyRedis(app.redis);
      const path = 'v1/chat/completions';
      await app.post(path, CHAT_BODY);
      const answer = await app.post(path, { ...CHAT_BODY, model: 'm2' });
      expect(answer.cacheStatus).toBe('LlmCache; fwd=miss; stored');
      expect(await recentKeys(app)).toEqual([]);
      expect(await app.entries()).toHaveLength(2);
      const fetch = app.cache.createFetch({ fetch: upstream });
      const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
      await app.read(fetch(CHAT, { ...init, body: JSON.stringify(CHAT_BODY) }));
      const other = { ...CHAT_BODY, model: 'm2' };
      expect(await app.cache.explain({ url: CHAT, body: other })).toEqual({
        result: 'miss',
        key: expect.any(String),
      });
      expect((await app.cache.explain({ url: CHAT, body: CHAT_BODY })).result).toBe('hit');
    } finally {
      await app.app.close();
    }
  });
});
