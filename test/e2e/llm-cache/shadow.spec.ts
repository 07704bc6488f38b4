import { Controller, HttpCode, Inject, Injectable, Post } from '@nestjs/common';
import { LlmCache } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';
import { chatChoice, chatJson } from './sample-answers.js';

const BYPASS = 'LlmCache; fwd=bypass; detail=shadow';
/** 3 tokens in, 5 out, as the samples tell. */
const PRICE = 3 * 2 + 5 * 10;
const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };

@Injectable()
class Model {
  calls = 0;
  gate: Promise<void> = Promise.resolve();

  async answer(): Promise<object> {
    const call = (this.calls += 1);
    await this.gate;
    return { ...chatJson([chatChoice(`answer ${call}`)]), call };
  }
}

@Controller()
@LlmCache()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('module/chat/completions')
  @HttpCode(200)
  asTheModule(): Promise<object> {
    return this.#model.answer();
  }

  @Post('shadow/chat/completions')
  @LlmCache({ shadow: true })
  shadow(): Promise<object> {
    return this.#model.answer();
  }

  @Post('live/chat/completions')
  @LlmCache({ shadow: false })
  live(): Promise<object> {
    return this.#model.answer();
  }
}

const callOf = ({ text }: ReadAnswer): string | undefined => /"call":(\d+)/.exec(text)?.[1];

describe.each(PLATFORMS)('shadow mode on %s', (platform) => {
  let azure: LocalAzure;
  /** With shadow mode for all routes, and without. */
  let all: CachedApp;
  let none: CachedApp;

  const start = (shadow: boolean): Promise<CachedApp> =>
    startCachedApp(azure, {
      platform,
      controllers: [ModelController],
      providers: [Model],
      cache: {
        llm: {
          shadow,
          pricing: ({ inputTokens, outputTokens }) => inputTokens * 2 + outputTokens * 10,
        },
      },
    });

  beforeAll(async () => {
    azure = await startLocalAzure();
    [all, none] = await Promise.all([start(true), start(false)]);
  });
  beforeEach(async () => {
    await emptyRedis(all.redis);
    for (const { app } of [all, none]) {
      Object.assign(app.get(Model), { calls: 0, gate: Promise.resolve() });
    }
  });
  afterAll(async () => {
    await Promise.all([all.app.close(), none.app.close()]);
    await azure.stop();
  });

  it.each([
    ['of the module', () => all, 'module/chat/completions'],
    ['of a route', () => none, 'shadow/chat/completions'],
  ])('%s: every caller gets the answer of its own call', async (_whose, which, path) => {
    const app = which();
    const before = app.cache.stats;

    for (const call of ['1', '2', '3']) {
      const answer = await app.post(path, CHAT);
      expect([callOf(answer), answer.cacheStatus, answer.cache]).toEqual([call, BYPASS, null]);
      await eventually('an entry', async () => (await app.entries()).length === 1);
    }

    const { stats } = app.cache;
    expect(stats.hits).toBe(before.hits);
    expect(stats.shadowHits).toBe(before.shadowHits + 2);
    expect(stats.shadowInputTokens).toBe(before.shadowInputTokens + 2 * 3);
    expect(stats.shadowOutputTokens).toBe(before.shadowOutputTokens + 2 * 5);
    expect(stats.shadowCost).toBe(before.shadowCost + 2 * PRICE);
    expect(stats.savedInputTokens).toBe(before.savedInputTokens);
    expect(stats.savedCost).toBe(before.savedCost);
  });

  it('lets nobody wait for the call of another', async () => {
    const model = all.app.get(Model);
    let open: () => void = () => undefined;
    model.gate = new Promise((resolve) => (open = resolve));

    const asked = Array.from({ length: 5 }, () => all.post('module/chat/completions', CHAT));
    await eventually('a call for each', () => model.calls === 5);
    open();

    const calls = (await Promise.all(asked)).map(callOf);
    expect(new Set(calls).size).toBe(5);
    expect(all.cache.stats.collapsed).toBe(0);
  });

  it('can be left by a route, which then gives what was stored', async () => {
    expect(callOf(await all.post('live/chat/completions', CHAT))).toBe('1');
    const answer = await all.post('live/chat/completions', CHAT);
    expect([callOf(answer), answer.cache]).toEqual(['1', 'HIT']);
  });

  it('of a fetch: the upstream is asked each time', async () => {
    let calls = 0;
    const fetch = none.cache.createFetch({
      shadow: true,
      fetch: async () => Response.json({ ...chatJson([chatChoice('Hi')]), call: (calls += 1) }),
    });
    const ask = (): Promise<ReadAnswer> =>
      none.read(
        fetch('http://127.0.0.1:1/v1/chat/completions', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(CHAT),
        }),
      );
    const before = none.cache.stats.shadowHits;

    const [first, second] = [await ask(), await ask()];

    expect([callOf(first), callOf(second)]).toEqual(['1', '2']);
    expect(second.cacheStatus).toBe(BYPASS);
    expect(none.cache.stats.shadowHits).toBe(before + 1);
  });
});
