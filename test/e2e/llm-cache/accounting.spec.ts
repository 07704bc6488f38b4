import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { CacheKey } from '@nestjs/cache-manager';
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
import {
  LlmCache,
  type LlmCacheEvent,
  type LlmCacheFetchOptions,
  type LlmCachePricedUsage,
  type LlmCachePricing,
  type LlmCacheStats,
  type LlmProtocol,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { from, type Observable } from 'rxjs';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import {
  startCachedApp,
  type CachedApp,
  type CachedAppOptions,
  type ReadAnswer,
} from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';
import {
  chatChoice,
  chatFrames,
  chatJson,
  embeddings,
  eventOf,
  message,
  messageFrames,
  outputMessage,
  requestFor,
  response as openAiResponse,
  responseFrames,
  textBlock,
  type Api,
} from './sample-answers.js';

const CHANNEL = 'nestjs-azure-redis:llmCache';
const PROMPT = 'What is the secret of the cellar?';
const ANSWER = 'Behind the third barrel.';
const CREDENTIAL = 'Bearer of-bad-news';

const anthropicFrames = [
  eventOf('message_start', {
    type: 'message_start',
    message: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      stop_reason: null,
      usage: { input_tokens: 11, output_tokens: 1 },
    },
  }),
  eventOf('content_block_start', {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'text', text: '' },
  }),
  eventOf('content_block_delta', {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: ANSWER },
  }),
  eventOf('content_block_stop', { type: 'content_block_stop', index: 0 }),
  eventOf('message_delta', {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null },
    usage: { output_tokens: 7 },
  }),
  eventOf('message_stop', { type: 'message_stop' }),
];

@Injectable()
class Model {
  calls = 0;
  /** How long a call takes. */
  takesMs = 0;

  async called(): Promise<void> {
    this.calls += 1;
    await sleep(this.takesMs);
  }
}

@Controller()
@LlmCache()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('v1/chat/completions')
  @HttpCode(200)
  async chat(@Body() { stream = false }: { stream?: boolean }): Promise<unknown> {
    await this.#model.called();
    if (!stream) return chatJson([chatChoice(ANSWER)]);
    return new Response(chatFrames([ANSWER]).join(''), {
      headers: { 'content-type': 'text/event-stream' },
    });
  }

  @Post('v1/messages')
  @HttpCode(200)
  async messages(): Promise<Response> {
    await this.#model.called();
    return new Response(anthropicFrames.join(''), {
      headers: { 'content-type': 'text/event-stream' },
    });
  }

  @Post('v1/embeddings')
  async embeddings(@Body() { input }: { input: readonly string[] }): Promise<object> {
    await this.#model.called();
    const data = input.map((_text, index) => ({ object: 'embedding', index, embedding: [1, 2] }));
    return { object: 'list', data, model: 'm', usage: { prompt_tokens: 8, total_tokens: 8 } };
  }

  @Post('not-cacheable')
  @LlmCache({ cacheable: () => false })
  notCacheable(): object {
    return {};
  }

  @Post('scope')
  @LlmCache({
    scope: () => {
      throw new Error('no tenant');
    },
  })
  scope(): object {
    return {};
  }

  @Post('tags')
  @LlmCache({
    tags: () => {
      throw new Error('no tags');
    },
  })
  tags(): object {
    return {};
  }

  @Post('own')
  @LlmCache({ ttlMs: 60_000 })
  own(@Res() response: { send(body: string): void }): void {
    response.send('{}');
  }
}

describe.each(PLATFORMS)('accounting on %s', (platform) => {
  let azure: LocalAzure;
  let app: CachedApp;
  let model: Model;
  let events: LlmCacheEvent[] = [];
  const listen = (event: unknown): void => void events.push(Object(event));

  beforeAll(async () => {
    azure = await startLocalAzure();
    app = await startCachedApp(azure, {
      platform,
      controllers: [ModelController],
      providers: [Model],
      cache: {
        llm: { pricing: ({ inputTokens, outputTokens }) => inputTokens + 10 * outputTokens },
      },
    });
    model = app.app.get(Model);
    subscribe(CHANNEL, listen);
  });
  beforeEach(async () => {
    await emptyRedis(app.redis);
    Object.assign(model, { calls: 0, takesMs: 0 });
    events = [];
  });
  afterAll(async () => {
    unsubscribe(CHANNEL, listen);
    await app.app.close();
    await azure.stop();
  });

  const ask = (api: Api, isStream = false, path = PATH[api]): ReturnType<CachedApp['post']> =>
    app.post(path, requestFor({ api, isStream }, PROMPT), { authorization: CREDENTIAL });

  it.each([
    ['a chat completion', 'openai-chat', false, 3, 5],
    ['a stream of a chat completion', 'openai-chat', true, 3, 5],
    ['a stream of Anthropic', 'anthropic-messages', true, 11, 7],
    ['embeddings', 'openai-embeddings', false, 8, 0],
  ] as const)('%s: a hit saves what it took', async (_what, api, isStream, input, output) => {
    model.takesMs = 60;
    await ask(api, isStream);
    await eventually('the entries', async () => (await app.entries()).length > 0);
    const before = app.cache.stats;

    const hit = await ask(api, isStream);

    expect([hit.cache, model.calls]).toEqual(['HIT', 1]);
    const { stats } = app.cache;
    expect(stats.hits).toBe(before.hits + 1);
    expect(stats.savedInputTokens).toBe(before.savedInputTokens + input);
    expect(stats.savedOutputTokens).toBe(before.savedOutputTokens + output);
    expect(stats.savedUpstreamMs).toBeGreaterThanOrEqual(before.savedUpstreamMs + 50);
    expect(stats.savedCost).toBe(before.savedCost + input + 10 * output);
    expect(events.map(({ result }) => result)).toEqual(['miss', 'hit']);
    expect(events[1]).toMatchObject({
      model: 'm',
      route: `ModelController.${METHOD[api]}`,
      savedInputTokens: input,
      savedOutputTokens: output,
      savedCost: input + 10 * output,
    });
    const [missed, given] = events;
    expect(given?.bytes).toBeGreaterThan(20);
    expect(missed?.startedAt).toBeGreaterThan(Date.now() - 10_000);
    expect(given?.startedAt).toBeGreaterThan(Number(missed?.startedAt));
    expect(stats.byModel['m']?.hits).toBe(stats.hits);
    expect(stats.byRoute[`ModelController.${METHOD[api]}`]?.hits).toBeGreaterThan(0);
  });

  it('collapsed callers save as much, once the answer has ended', async () => {
    model.takesMs = 500;
    const before = app.cache.stats;

    await Promise.all(Array.from({ length: 4 }, () => ask('openai-chat')));

    await eventually('an event for each', () => events.length === 4);
    const results = events.map(({ result, savedInputTokens = 0 }) => [result, savedInputTokens]);
    const collapsed = Array.from({ length: 3 }, () => ['collapsed', 3]);
    expect(results).toEqual([['miss', 0], ...collapsed]);
    expect(app.cache.stats.savedInputTokens).toBe(before.savedInputTokens + 9);
  });

  it.each([
    ['not-cacheable', 'not-cacheable'],
    ['scope', 'scope'],
    ['tags', 'tags'],
  ])('tells why %s was not looked up', async (path, reason) => {
    const before = app.cache.stats.bypasses;
    await ask('openai-chat', false, path);
    expect(events).toMatchObject([{ result: 'bypass', reason, model: 'm' }]);
    expect(app.cache.stats.bypasses).toMatchObject({
      [reason]: (Object.entries(before).find(([name]) => name === reason)?.[1] ?? 0) + 1,
    });
  });

  it('tells nobody a prompt, an answer, a key or a credential', async () => {
    for (const isStream of [false, true]) {
      await ask('openai-chat', isStream);
      await ask('openai-chat', isStream);
    }
    await ask('openai-chat', false, 'scope');
    const keys = (await app.entries()).map((name) => /\{(.+)\}/.exec(name)?.[1] ?? name);
    expect(keys).toHaveLength(2);
    expect(events).toHaveLength(5);

    const told = inspect([events, app.cache.stats], { depth: 10, showHidden: true });

    for (const secret of [PROMPT, ANSWER, CREDENTIAL, 'credentials:', ...keys]) {
      expect(told).not.toContain(secret);
    }
  });

  it('keeps names for 100 models and routes at most, however many callers make up', async () => {
    for (let first = 0; first < 1_000; first += 50) {
      const models = Array.from({ length: 50 }, (_, index) => `made-up-${first + index}`);
      await Promise.all(
        models.map((name) =>
          app.post('v1/chat/completions', {
            ...requestFor({ api: 'openai-chat', isStream: false }, PROMPT),
            model: name,
          }),
        ),
      );
    }
    const { byModel, byRoute, misses } = app.cache.stats;
    expect(Object.keys(byModel).length).toBeLessThanOrEqual(100);
    expect(Object.keys(byRoute).length).toBeLessThanOrEqual(100);
    expect(byModel['other']?.misses).toBeGreaterThan(800);
    const sum = Object.values(byModel).reduce((total, counts) => total + counts.misses, 0);
    expect(sum).toBe(misses);
  });
});

const PATH: Readonly<Record<Api, string>> = {
  'openai-chat': 'v1/chat/completions',
  'openai-responses': 'v1/responses',
  'anthropic-messages': 'v1/messages',
  'openai-embeddings': 'v1/embeddings',
};

const METHOD: Readonly<Record<Api, string>> = {
  'openai-chat': 'chat',
  'openai-responses': 'responses',
  'anthropic-messages': 'messages',
  'openai-embeddings': 'embeddings',
};

const pricing: LlmCachePricing = ({ inputTokens, outputTokens }) => inputTokens + 10 * outputTokens;

/** What is told on the channel in the course of a test. */
function useEvents(): () => readonly LlmCacheEvent[] {
  let told: LlmCacheEvent[] = [];
  const listen = (event: unknown): void => void told.push(Object(event));
  beforeEach(() => {
    told = [];
    subscribe(CHANNEL, listen);
  });
  afterEach(() => {
    unsubscribe(CHANNEL, listen);
  });
  return () => told.map(counted);
}

/** What they say of what was counted. */
function counted(event: LlmCacheEvent): LlmCacheEvent {
  const { startedAt: _startedAt, bytes: _bytes, ...rest } = event;
  return rest;
}

const SAVINGS = [
  'savedInputTokens',
  'savedOutputTokens',
  'savedUpstreamMs',
  'savedCost',
] as const satisfies readonly (keyof LlmCacheStats & keyof LlmCacheEvent)[];

/** What the events of requests that were answered without a call say, summed up. */
function savingsIn(events: readonly LlmCacheEvent[]): Record<string, number> {
  const given = events.filter(({ result }) => result !== 'shadow');
  const sumOf = (name: (typeof SAVINGS)[number]): number =>
    given.reduce((sum, event) => sum + (event[name] ?? 0), 0);
  return Object.fromEntries(SAVINGS.map((name) => [name, sumOf(name)]));
}

function savedSince(before: LlmCacheStats, after: LlmCacheStats): Record<string, number> {
  return Object.fromEntries(SAVINGS.map((name) => [name, after[name] - before[name]]));
}

/** Pieces of so many bytes, wherever characters and events end. */
function piecesOf(text: string, size: number): Uint8Array<ArrayBuffer>[] {
  const bytes = new TextEncoder().encode(text);
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, index) => bytes.slice(index * size, (index + 1) * size));
}

/** Answers with what it is told to. */
@Injectable()
class Script {
  calls = 0;
  text = '';
  /** Bytes of the pieces of a stream. */
  pieceSize = Infinity;
  failure: HttpException | undefined;
  /** The middle of an answer, for which it waits. */
  gate: Promise<void> = Promise.resolve();

  get type(): string {
    return this.text.startsWith('{') ? 'application/json' : 'text/event-stream';
  }

  async *pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    this.calls += 1;
    if (this.failure !== undefined) throw this.failure;
    const size = Math.min(this.pieceSize, Math.ceil(this.text.length / 2));
    for (const [index, piece] of piecesOf(this.text, size).entries()) {
      if (index > 0) await this.gate;
      yield piece;
    }
  }

  async whole(): Promise<string> {
    let bytes = Buffer.alloc(0);
    for await (const piece of this.pieces()) bytes = Buffer.concat([bytes, piece]);
    return bytes.toString();
  }

  async *events(): AsyncGenerator<MessageEvent> {
    const text = await this.whole();
    for (const [, data = ''] of text.matchAll(/^data: (.*)$/gm)) yield { data };
  }

  response(): Response {
    const pieces = this.pieces();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
    });
    return new Response(body, { headers: { 'content-type': this.type } });
  }
}

@Controller()
@LlmCache()
class ScriptController {
  readonly #script: Script;

  constructor(@Inject(Script) script: Script) {
    this.#script = script;
  }

  @Post(['chat/completions', 'messages', 'responses', 'embeddings'])
  @HttpCode(200)
  asResponse(): Response {
    return this.#script.response();
  }

  @Post('lines/chat/completions')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  lines(): AsyncGenerator<Uint8Array> {
    return this.#script.pieces();
  }

  @Sse('events/chat/completions', { method: RequestMethod.POST })
  events(): Observable<MessageEvent> {
    return from(this.#script.events());
  }

  @Post('own/chat/completions')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  async own(@Res() answer: { send(body: string): void }): Promise<void> {
    answer.send(await this.#script.whole());
  }

  @Post('value/chat/completions')
  @HttpCode(200)
  async value(): Promise<unknown> {
    return JSON.parse(await this.#script.whole());
  }

  @Post('revalidated/chat/completions')
  @HttpCode(200)
  @LlmCache({ ttlMs: 1, staleWhileRevalidateMs: 60_000 })
  async revalidated(): Promise<unknown> {
    return JSON.parse(await this.#script.whole());
  }

  @Post('forgiving/chat/completions')
  @HttpCode(200)
  @LlmCache({ ttlMs: 1, staleIfErrorMs: 60_000 })
  async forgiving(): Promise<unknown> {
    return JSON.parse(await this.#script.whole());
  }

  @Post('keyed')
  @CacheKey('keyed')
  keyed(): object {
    return {};
  }

  @Post('keyed-by-both')
  @CacheKey('keyed-by-both')
  @LlmCache({ ttlMs: 1_000 })
  keyedByBoth(): object {
    return {};
  }
}

const SCRIPTED: CachedAppOptions = {
  controllers: [ScriptController],
  providers: [Script],
  cache: { llm: { pricing } },
};

/** More pieces than are searched. */
const LETTERS = ANSWER.repeat(10).split('');
const CHAT_JSON = JSON.stringify(chatJson([chatChoice(ANSWER)]));
const CHAT_STREAM = chatFrames([ANSWER]).join('');
const withoutUsage = (text: string): string =>
  text.replaceAll(/"usage":\{[^}]*\}/g, '"usage":null');

const isPast = (): Promise<void> => {
  const storedBy = Date.now();
  return eventually('the end of a lifetime of 1 ms', () => Date.now() > storedBy + 1);
};

describe.each(PLATFORMS)('what an answer tells, on %s', (platform) => {
  let azure: LocalAzure;
  let cached: CachedApp;
  let script: Script;
  let before: LlmCacheStats;
  const events = useEvents();

  beforeAll(async () => {
    azure = await startLocalAzure();
    cached = await startCachedApp(azure, { platform, ...SCRIPTED });
    script = cached.app.get(Script);
  }, 60_000);
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });
  beforeEach(async () => {
    const gate = Promise.resolve();
    Object.assign(script, { calls: 0, text: '', pieceSize: Infinity, failure: undefined, gate });
    await emptyRedis(cached.redis);
    before = cached.cache.stats;
  });

  const CHAT = requestFor({ api: 'openai-chat', isStream: false }, PROMPT);
  const CHAT_OF_STREAM = requestFor({ api: 'openai-chat', isStream: true }, PROMPT);
  const saved = (): Record<string, number> => savedSince(before, cached.cache.stats);
  const isStored = (): Promise<void> =>
    eventually('an entry', () => cached.cache.stats.stored > before.stored);
  const results = (): string[] => events().map(({ result }) => result);

  it.each([
    ['a chat completion', 'openai-chat', false, CHAT_JSON, 3, 5],
    ['a stream with include_usage', 'openai-chat', true, CHAT_STREAM, 3, 5],
    ['a long stream', 'openai-chat', true, chatFrames(LETTERS).join(''), 3, 5],
    [
      'a stream that tells it again and again',
      'openai-chat',
      true,
      chatFrames([ANSWER])
        .join('')
        .replaceAll(
          '"choices":[{',
          '"usage":{"prompt_tokens":3,"completion_tokens":1},"choices":[{',
        ),
      3,
      5,
    ],
    [
      'a message of Anthropic',
      'anthropic-messages',
      false,
      JSON.stringify(message([textBlock(ANSWER)], 'end_turn')),
      3,
      5,
    ],
    [
      "a message of Anthropic, from the provider's prompt cache",
      'anthropic-messages',
      false,
      JSON.stringify({
        ...message([textBlock(ANSWER)], 'end_turn'),
        usage: {
          input_tokens: 3,
          cache_read_input_tokens: 100,
          cache_creation_input_tokens: 20,
          output_tokens: 5,
        },
      }),
      123,
      5,
    ],
    [
      'a stream of Anthropic',
      'anthropic-messages',
      true,
      messageFrames([ANSWER], 'end_turn').join(''),
      3,
      5,
    ],
    [
      'a long stream of Anthropic',
      'anthropic-messages',
      true,
      messageFrames(LETTERS, 'end_turn').join(''),
      3,
      5,
    ],
    [
      'a response of OpenAI',
      'openai-responses',
      false,
      JSON.stringify(
        openAiResponse('completed', [outputMessage(ANSWER)], {
          usage: { input_tokens: 3, output_tokens: 5 },
        }),
      ),
      3,
      5,
    ],
    [
      'a stream of a response of OpenAI',
      'openai-responses',
      true,
      responseFrames(
        [ANSWER],
        'response.completed',
        openAiResponse('completed', [outputMessage(ANSWER)], {
          usage: { input_tokens: 3, output_tokens: 5 },
        }),
      ).join(''),
      3,
      5,
    ],
    [
      'embeddings',
      'openai-embeddings',
      false,
      JSON.stringify(
        embeddings([
          [1, 2],
          [2, 1],
        ]),
      ),
      4,
      0,
    ],
  ] as const)('is saved by a hit: %s', async (_what, api, isStream, text, input, output) => {
    script.text = text;
    const path = PATH[api].replace('v1/', '');
    const ask = () => cached.post(path, requestFor({ api, isStream }, PROMPT));
    await ask();
    await isStored();
    expect((await ask()).cache).toBe('HIT');
    expect(saved()).toMatchObject({
      savedInputTokens: input,
      savedOutputTokens: output,
      savedCost: input + 10 * output,
    });
    expect(events()).toStrictEqual([
      { result: 'miss', route: 'ScriptController.asResponse', model: 'm' },
      {
        result: 'hit',
        route: 'ScriptController.asResponse',
        model: 'm',
        savedInputTokens: input,
        savedOutputTokens: output,
        savedUpstreamMs: expect.any(Number),
        savedCost: input + 10 * output,
      },
    ]);
  });

  describe.each(['chat', 'lines/chat', 'own/chat', 'events/chat'])(
    'by the handler of %s',
    (way) => {
      it.each([7, 500])('in pieces of %d bytes', async (pieceSize) => {
        Object.assign(script, { text: CHAT_STREAM, pieceSize });
        for (let round = 1; round <= 3; round += 1) {
          await cached.post(`${way}/completions`, CHAT_OF_STREAM);
          await isStored();
        }
        expect(script.calls).toBe(1);
        expect(results()).toEqual(['miss', 'hit', 'hit']);
        expect(saved()).toMatchObject({
          savedInputTokens: 6,
          savedOutputTokens: 10,
          savedCost: 106,
        });
      });
    },
  );

  it.each([
    ['no usage', false, withoutUsage(CHAT_JSON)],
    ['a stream without include_usage', true, withoutUsage(CHAT_STREAM)],
    ['what cannot be', false, CHAT_JSON.replace(':3,', ':-3,').replace(':5,', ':"5",')],
  ])('is not estimated where it is nothing: %s', async (_what, isStream, text) => {
    script.text = text;
    for (let round = 1; round <= 2; round += 1) {
      await cached.post('chat/completions', isStream ? CHAT_OF_STREAM : CHAT);
      await isStored();
    }
    expect(events()[1]).toStrictEqual({
      result: 'hit',
      route: 'ScriptController.asResponse',
      model: 'm',
      savedUpstreamMs: expect.any(Number),
    });
    expect(saved()).toMatchObject({ savedInputTokens: 0, savedOutputTokens: 0, savedCost: 0 });
  });

  it('is counted for each input of embeddings, whoever asked for it', async () => {
    const embed = (input: readonly string[]): Promise<ReadAnswer> =>
      cached.post('embeddings', { model: 'm', input });
    script.text = JSON.stringify(embeddings([[1, 2]]));
    await embed(['a']);
    await embed(['b']);
    expect((await embed(['b', 'a'])).cache).toBe('HIT');
    expect(saved()).toMatchObject({ savedInputTokens: 8, savedOutputTokens: 0, savedCost: 8 });
  });

  it('comes with the end of a stream that others have joined', async () => {
    let open: () => void = () => undefined;
    script.gate = new Promise((resolve) => (open = resolve));
    script.text = CHAT_STREAM;
    const ask = () => cached.post('chat/completions', CHAT_OF_STREAM);
    const asked = Array.from({ length: 4 }, ask);
    await eventually(
      'all have joined',
      () => cached.cache.stats.collapsed === before.collapsed + 3,
    );
    expect(results()).toEqual(['miss']);
    expect(saved()).toMatchObject({ savedInputTokens: 0, savedUpstreamMs: 0 });
    open();
    await Promise.all(asked);
    await eventually('an event for each', () => events().length === 4);
    await ask();
    expect(results()).toEqual(['miss', 'collapsed', 'collapsed', 'collapsed', 'hit']);
    const [, collapsed, ...others] = events().map(({ result: _result, ...rest }) => rest);
    expect(collapsed).toMatchObject({ savedInputTokens: 3, savedOutputTokens: 5, savedCost: 53 });
    expect(others).toEqual(others.map(() => collapsed));
    expect(saved()).toEqual(savingsIn(events()));
  });

  it('saves nothing for those who share what is not stored', async () => {
    let open: () => void = () => undefined;
    script.gate = new Promise((resolve) => (open = resolve));
    script.text = chatFrames([ANSWER], 'length').join('');
    const asked = [1, 2].map(() => cached.post('chat/completions', CHAT_OF_STREAM));
    await eventually('one has joined', () => cached.cache.stats.collapsed === before.collapsed + 1);
    open();
    await Promise.all(asked);
    await eventually('an event for each', () => events().length === 2);
    const who = { route: 'ScriptController.asResponse', model: 'm' };
    expect(events()).toStrictEqual([
      { result: 'miss', ...who },
      { result: 'collapsed', ...who },
    ]);
    expect(saved()).toEqual(savingsIn([]));
  });

  it('is saved by a stale answer, too, while a new one is asked for', async () => {
    script.text = CHAT_JSON;
    const ask = () => cached.post('revalidated/chat/completions', CHAT);
    await ask();
    await isPast();
    await ask();
    await eventually('the call in the background', () => script.calls === 2);
    await eventually('its event', () => events().length === 3);
    expect(results()).toEqual(['miss', 'stale', 'miss']);
    expect(events()[1]).toMatchObject({ savedInputTokens: 3, savedOutputTokens: 5, savedCost: 53 });
    expect(saved()).toEqual(savingsIn(events()));
    const { stats } = cached.cache;
    expect([stats.stale - before.stale, stats.hits - before.hits]).toEqual([1, 0]);
  });

  it('is saved by a stale answer in the place of an error', async () => {
    script.text = CHAT_JSON;
    const ask = () => cached.post('forgiving/chat/completions', CHAT);
    await ask();
    await isPast();
    script.failure = new HttpException('The model is down.', 503);
    expect((await ask()).status).toBe(200);
    expect(results()).toEqual(['miss', 'miss', 'stale']);
    expect(saved()).toMatchObject({ savedInputTokens: 3, savedOutputTokens: 5, savedCost: 53 });
  });

  it('is nothing when the call fails', async () => {
    script.failure = new HttpException('The model is down.', 503);
    await cached.post('value/chat/completions', CHAT);
    expect(results()).toEqual(['miss']);
    expect(saved()).toEqual(savingsIn([]));
  });

  it('adds up: models and routes are parts of the whole, and events tell all of it', async () => {
    script.text = CHAT_JSON;
    const started = cached.cache.stats;
    for (const model of ['m', 'n', '__proto__', 'm', 'n', '__proto__']) {
      for (const path of ['chat/completions', 'value/chat/completions']) {
        await cached.post(path, { ...CHAT, model });
      }
    }
    const { stats } = cached.cache;
    expect(stats.hits - started.hits).toBe(6);
    expect(savedSince(started, stats)).toEqual(savingsIn(events()));
    for (const parts of [stats.byModel, stats.byRoute]) {
      for (const name of ['hits', 'misses', 'stored', ...SAVINGS] as const) {
        const sum = Object.values(parts).reduce((total, counts) => total + counts[name], 0);
        expect(sum).toBe(stats[name]);
      }
    }
    expect(Object.keys(stats.byModel)).toContain('__proto__');
  });

  describe('is priced by the model', () => {
    let priced: LlmCachePricedUsage[];
    const startPriced = async (): Promise<CachedApp> => {
      priced = [];
      const ask: LlmCachePricing = (usage) => priced.push(usage);
      const own = await startCachedApp(azure, {
        platform,
        ...SCRIPTED,
        cache: { namespace: 'priced', llm: { pricing: ask } },
      });
      onTestFinished(() => own.app.close());
      await emptyRedis(own.redis);
      return own;
    };

    it.each([
      ['chat', CHAT_JSON.replace('"model":"m"', '"model":"m-2024"'), 5],
      ['embeddings', JSON.stringify({ ...embeddings([[1, 2]]), model: 'm-2024' }), 0],
    ])('that answered: %s', async (api, text, outputTokens) => {
      const own = await startPriced();
      own.app.get(Script).text = text;
      const [path, body] =
        api === 'chat'
          ? ['chat/completions', CHAT]
          : ['embeddings', { model: 'm', input: [PROMPT] }];
      for (let round = 1; round <= 2; round += 1) await own.post(path, body);
      const inputTokens = api === 'chat' ? 3 : 4;
      expect(priced).toEqual([{ model: 'm-2024', inputTokens, outputTokens }]);
      expect(own.cache.stats.byModel).toMatchObject({ m: { hits: 1, savedCost: 1 } });
    });

    it('that was asked for, where the answer names none', async () => {
      const own = await startPriced();
      own.app.get(Script).text = CHAT_JSON.replace('"model":"m",', '');
      for (let round = 1; round <= 2; round += 1) await own.post('chat/completions', CHAT);
      expect(priced).toEqual([{ model: 'm', inputTokens: 3, outputTokens: 5 }]);
    });
  });

  describe('of no answer: what is not looked up', () => {
    const bypassed = (): unknown[] =>
      events().flatMap(({ result, reason }) => (result === 'bypass' ? [reason] : [result]));

    it.each([
      ['stateful', 'chat/completions', { ...CHAT, store: true, previous_response_id: 'r' }],
      ['stateful', 'responses', { model: 'm', input: 'Hi', previous_response_id: 'r' }],
      ['hosted-tool', 'responses', { model: 'm', input: 'Hi', tools: [{ type: 'web_search' }] }],
      ['hosted-tool', 'chat/completions', { ...CHAT, web_search_options: {} }],
      ['key', 'chat/completions', { ...CHAT, seed: 2 ** 53 }],
      ['stream', 'keyed', { ...CHAT, stream: true }],
    ])('%s: %s', async (reason, path, body) => {
      script.text = CHAT_JSON;
      await cached.post(path, body);
      expect(bypassed()).toEqual([reason]);
      expect(events()[0]).toStrictEqual({
        result: 'bypass',
        route: expect.stringMatching(/^ScriptController\.\w+$/),
        model: 'm',
        reason,
      });
    });

    it('not-json', async () => {
      script.text = CHAT_JSON;
      const body = new URLSearchParams({ model: 'm' });
      await cached.read(fetch(`${cached.url}/chat/completions`, { method: 'POST', body }));
      expect(bypassed()).toEqual(['not-json']);
    });

    it('is counted once where both controller and route are cached', async () => {
      await cached.post('keyed-by-both', { ...CHAT, stream: true });
      expect(bypassed()).toEqual(['stream']);
    });

    it.each<[string, CachedAppOptions['cache']]>([
      ['default-off', { mode: 'default_off' }],
      ['call-type', { supportedCallTypes: ['embedding'] }],
    ])('%s, by an option of the module', async (reason, cache) => {
      const own = await startCachedApp(azure, { platform, ...SCRIPTED, cache: { ...cache } });
      onTestFinished(() => own.app.close());
      own.app.get(Script).text = CHAT_JSON;
      await own.post('chat/completions', CHAT);
      expect(bypassed()).toEqual([reason]);
      expect(own.cache.stats).toMatchObject({ misses: 0, bypasses: { [reason]: 1 } });
    });

    it('protocol, where one throws', async () => {
      const own = await startCachedApp(azure, { platform, ...SCRIPTED });
      onTestFinished(() => own.app.close());
      own.cache.addProtocol(BROKEN);
      own.app.get(Script).text = CHAT_JSON;
      await own.post('chat/completions', CHAT);
      expect(bypassed()).toEqual(['protocol']);
    });
  });

  it('keeps the name of a known route, and counts a new one under other', async () => {
    const own = await startCachedApp(azure, { platform, ...SCRIPTED });
    onTestFinished(() => own.app.close());
    own.app.get(Script).text = CHAT_JSON;
    const body = { ...CHAT, seed: 2 ** 53 };
    for (let first = 0; first < 1_000; first += 50) {
      const models = Array.from({ length: 50 }, (_, index) => `made-up-${first + index}`);
      await Promise.all(
        models.map((model) => own.post('value/chat/completions', { ...body, model })),
      );
    }
    await own.post('chat/completions', { ...body, model: 'late' });
    const { byModel, byRoute, bypasses } = own.cache.stats;
    expect(bypasses).toEqual({ key: 1_001 });
    expect(Object.keys(byModel).length).toBeLessThanOrEqual(100);
    expect(byRoute).toMatchObject({
      'ScriptController.value': { bypasses: { key: 1_000 } },
      other: { bypasses: { key: 1 } },
    });
    const labels = new Set(events().map(({ model, route }) => `${model} ${route}`));
    expect(labels.size).toBeLessThanOrEqual(100);
    expect(events().at(-1)).toMatchObject({ route: 'other', model: 'other' });
  });
});

const fails = (): never => {
  throw new Error(PROMPT);
};

const BROKEN: LlmProtocol = {
  name: 'broken',
  callTypes: [],
  recognises: fails,
  omitted: { names: new Set() },
  bypass: fails,
  asksForStream: fails,
  judge: fails,
  judgeStream: fails,
  personalFields: fails,
};

describe('accounting of a cached fetch', () => {
  const HOST = '127.0.0.1:9';
  const KEY_IN_QUERY = 'key-in-the-query';
  const CHAT = requestFor({ api: 'openai-chat', isStream: false }, PROMPT);
  const who = { route: `${HOST}/v1/chat/completions`, model: 'm' };
  const savings = {
    savedInputTokens: 3,
    savedOutputTokens: 5,
    savedUpstreamMs: expect.any(Number),
    savedCost: 53,
  };
  let azure: LocalAzure;
  let cached: CachedApp;
  let calls: number;
  let before: LlmCacheStats;
  const events = useEvents();

  beforeAll(async () => {
    azure = await startLocalAzure();
    cached = await startCachedApp(azure, { cache: { llm: { pricing } } });
  }, 60_000);
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });
  beforeEach(async () => {
    calls = 0;
    await emptyRedis(cached.redis);
    before = cached.cache.stats;
  });

  const upstream =
    (text = CHAT_JSON, until: Promise<void> = Promise.resolve()): typeof fetch =>
    async () => {
      calls += 1;
      await until;
      const type = text.startsWith('{') ? 'application/json' : 'text/event-stream';
      return new Response(text, { headers: { 'content-type': type } });
    };

  const askFrom = (
    { cache }: CachedApp,
    body: unknown,
    options: LlmCacheFetchOptions,
    type = 'application/json',
    path = '/v1/chat/completions',
  ): Promise<Response> =>
    cache.createFetch({ fetch: upstream(), ...options })(
      `http://${HOST}${path}?api-key=${KEY_IN_QUERY}`,
      {
        method: 'POST',
        headers: { 'content-type': type, authorization: CREDENTIAL, 'api-key': CREDENTIAL },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      },
    );
  const ask = (
    body: unknown = CHAT,
    options: LlmCacheFetchOptions = {},
    type?: string,
    path?: string,
  ): Promise<ReadAnswer> => cached.read(askFrom(cached, body, options, type, path));

  it('tells of a miss, a hit and a shadow hit', async () => {
    await ask();
    await ask();
    await ask(CHAT, { shadow: true });
    expect(events()).toStrictEqual([
      { result: 'miss', ...who },
      { result: 'hit', ...who, ...savings },
      { result: 'shadow', ...who, ...savings },
      { result: 'miss', ...who },
    ]);
  });

  it('tells of a stale answer, and of the call in the background', async () => {
    const options = { ttlMs: 1, staleWhileRevalidateMs: 60_000 };
    await ask(CHAT, options);
    await isPast();
    await ask(CHAT, options);
    await eventually('the call in the background', () => events().length === 3);
    expect(events()).toStrictEqual([
      { result: 'miss', ...who },
      { result: 'stale', ...who, ...savings },
      { result: 'miss', ...who },
    ]);
  });

  it('tells of a stale answer in the place of a failure', async () => {
    const options = { ttlMs: 1, staleIfErrorMs: 60_000 };
    await ask(CHAT, options);
    await isPast();
    const failing: typeof fetch = () => Promise.reject(new TypeError('fetch failed'));
    expect((await ask(CHAT, { ...options, fetch: failing })).status).toBe(200);
    expect(events()).toStrictEqual([
      { result: 'miss', ...who },
      { result: 'miss', ...who },
      { result: 'stale', ...who, ...savings },
    ]);
  });

  it('tells of those who share a call, with what they save', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const body = { ...CHAT, stream: true };
    const asked = [1, 2, 3].map(() => ask(body, { fetch: upstream(CHAT_STREAM, gate) }));
    await eventually('one call', () => calls === 1);
    open();
    await Promise.all(asked);
    await eventually('an event for each', () => events().length === 3);
    expect(events().map(({ result }) => result)).toContain('miss');
    const given = events().filter(({ result }) => result !== 'miss');
    expect(given).toHaveLength(2);
    for (const event of given) expect(event).toMatchObject({ ...who, ...savings });
    expect(savedSince(before, cached.cache.stats)).toEqual(savingsIn(events()));
  });

  it.each<[string, unknown, LlmCacheFetchOptions, string?, string?]>([
    ['stateful', { ...CHAT, previous_response_id: 'r' }, {}],
    ['hosted-tool', { ...CHAT, web_search_options: {} }, {}],
    ['key', { ...CHAT, seed: 2 ** 53 }, {}],
    ['scope', CHAT, { scope: fails }],
    ['scope', CHAT, { scope: () => '' }],
    ['tags', CHAT, { tags: fails }],
    ['not-json', CHAT, {}, 'text/plain'],
    ['call-type', { model: 'm' }, {}, 'application/json', '/v1/files'],
  ])('tells why it does not look: %s', async (reason, body, options, type, path) => {
    expect((await ask(body, options, type, path)).status).toBe(200);
    const route = `${HOST}${path ?? '/v1/chat/completions'}`;
    expect(events()).toStrictEqual([{ result: 'bypass', route, model: 'm', reason }]);
  });

  it('tells nothing of what is no JSON POST', async () => {
    await ask('no JSON', {});
    expect(calls).toBe(1);
    expect(events()).toEqual([]);
  });

  it.each<[string, CachedAppOptions['cache']]>([
    ['default-off', { mode: 'default_off' }],
    ['call-type', { supportedCallTypes: [] }],
  ])('tells why it does not look, by an option of the module: %s', async (reason, cache) => {
    const own = await startCachedApp(azure, { cache: { ...cache } });
    onTestFinished(() => own.app.close());
    await own.read(askFrom(own, CHAT, {}));
    expect(events()).toStrictEqual([{ result: 'bypass', ...who, reason }]);
  });

  it('tells that a protocol throws, not what', async () => {
    const own = await startCachedApp(azure, {});
    onTestFinished(() => own.app.close());
    own.cache.addProtocol(BROKEN);
    await own.read(askFrom(own, CHAT, {}));
    expect(events()).toStrictEqual([{ result: 'bypass', ...who, reason: 'protocol' }]);
  });

  it('tells nobody a prompt, an answer, a key, a principal or a credential', async () => {
    const tenant = 'tenant-of-secrets';
    const tag = 'tag-of-secrets';
    for (const options of [{}, { scope: tenant, tags: [tag] }, { scope: fails }, { tags: fails }]) {
      for (const shadow of [false, true, false]) await ask(CHAT, { ...options, shadow });
    }
    expect(new Set(events().map(({ result }) => result))).toEqual(
      new Set(['miss', 'hit', 'shadow', 'bypass']),
    );
    const keys = (await cached.entries()).map((name) => /\{(.+)\}/.exec(name)?.[1] ?? name);
    expect(keys).toHaveLength(2);
    const told = inspect([events(), cached.cache.stats], { depth: 12, showHidden: true });
    const secrets = [PROMPT, ANSWER, CREDENTIAL, KEY_IN_QUERY, tenant, tag, 'credentials:'];
    for (const secret of [...secrets, ...keys]) expect(told).not.toContain(secret);
  });

  it('keeps at most 100 names, whatever callers make up', async () => {
    for (let first = 0; first < 1_000; first += 100) {
      const models = Array.from({ length: 100 }, (_, index) => `made-up-${first + index}\r\n`);
      await Promise.all(models.map((model) => ask({ ...CHAT, model, seed: 2 ** 53 })));
    }
    const { byModel, bypasses } = cached.cache.stats;
    expect(bypasses.key).toBe((before.bypasses.key ?? 0) + 1_000);
    expect(Object.keys(byModel).length).toBeLessThanOrEqual(100);
    for (const name of Object.keys(byModel)) expect(name).toMatch(/^[\w-]+$/);
    expect(new Set(events().map(({ model }) => model)).size).toBeLessThanOrEqual(100);
  });
});
