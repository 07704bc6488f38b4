import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Body, Controller, HttpCode, Inject, Injectable, Post, Res } from '@nestjs/common';
import { LlmCache, type LlmCacheEvent } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';
import {
  chatChoice,
  chatFrames,
  chatJson,
  eventOf,
  requestFor,
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
