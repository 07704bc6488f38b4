import { setTimeout as sleep } from 'node:timers/promises';
import {
  Body,
  Controller,
  Header,
  Headers,
  HttpCode,
  Inject,
  Injectable,
  Post,
  RequestMethod,
  Res,
  Sse,
  type INestApplication,
} from '@nestjs/common';
import { CACHE_MANAGER, type Cache } from '@nestjs/cache-manager';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  AzureRedisModule,
  getAzureRedisToken,
  LlmCache,
  type AzureRedisClient,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { from, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';
import {
  chatChoice,
  chatChunk,
  chatDelta,
  chatFrames,
  chatJson,
  DONE,
  embeddings,
  eventOf,
  message,
  response,
  textBlock,
} from './sample-answers.js';

// Each of these happened to users of another cache. The rows are in design/llm-cache.md.

/** The part of Express' and Fastify's response that is the same. */
interface AnyResponse {
  status(code: number): AnyResponse;
}

/** What each input is embedded to: only its own vector tells who it is. */
const vectorOf = (input: string): readonly number[] => [input.length, 0.5, input.charCodeAt(0)];

@Injectable()
class Model {
  calls = 0;
  /** What the handlers were asked. */
  readonly bodies: unknown[] = [];
  /** Instead of the good answer. */
  json: object | undefined;
  frames: readonly string[] | undefined;
  status = 200;
  thinkMs = 0;
  /** The provider answers with vectors in the reverse order, each with its index. */
  reversesVectors = false;

  async asked(body: unknown): Promise<void> {
    this.calls += 1;
    this.bodies.push(body);
    if (this.thinkMs > 0) await sleep(this.thinkMs);
  }

  reset(): void {
    this.bodies.length = 0;
    Object.assign(this, { calls: 0, json: undefined, frames: undefined, status: 200 });
    Object.assign(this, { thinkMs: 0, reversesVectors: false });
  }
}

@Controller()
@LlmCache()
class GatewayController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post(['chat/completions', 'v1/responses', 'v1/messages'])
  async json(
    @Body() body: unknown,
    @Headers('authorization') who: string | undefined,
    @Res({ passthrough: true }) answer: AnyResponse,
  ): Promise<object> {
    await this.#model.asked(body);
    answer.status(this.#model.status);
    const content = `call ${this.#model.calls} for ${who}`;
    return this.#model.json ?? chatJson([chatChoice(content)]);
  }

  @Post('stream/chat/completions')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  async *stream(@Body() body: unknown): AsyncGenerator<string> {
    await this.#model.asked(body);
    yield* this.#model.frames ?? chatFrames([`call ${this.#model.calls}`, ' of', ' many']);
  }

  @Sse('sse/chat/completions', { method: RequestMethod.POST })
  @HttpCode(200)
  sse(@Body() body: unknown): Observable<{ data: string }> {
    void this.#model.asked(body);
    return from(chatFrames(['one', 'two']).map((frame) => ({ data: frame.slice(6).trim() })));
  }

  @Post('embeddings')
  @HttpCode(200)
  async embed(@Body() body: { input: readonly string[] }): Promise<object> {
    await this.#model.asked(body);
    const answer = { object: 'embedding' };
    const data = body.input.map((input, index) => ({
      ...answer,
      index,
      embedding: vectorOf(input),
    }));
    return { ...embeddings([]), data: this.#model.reversesVectors ? data.toReversed() : data };
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly cache: string | null;
}

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

let asked = 0;
/** A question that nobody has asked before. */
const newQuestion = (): object => ({
  model: 'm',
  messages: [{ role: 'user', content: `question ${(asked += 1)}` }],
});

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  let app: INestApplication;
  let url: string;
  let redis: AzureRedisClient;
  let model: Model;
  const logger = new RecordingLogger();

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [
        AzureRedisModule.forRoot({
          ...azure.connection,
          credential: azure.credential,
          cache: { namespace: platform },
        }),
      ],
      controllers: [GatewayController],
      providers: [Model],
    }).compile();
    const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    app = testing.createNestApplication(adapter, { logger, forceCloseConnections: true });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    redis = app.get<AzureRedisClient>(getAzureRedisToken());
    model = app.get(Model);
    await eventually('Redis is ready', () => redis.status === 'ready');
  }, 60_000);

  afterAll(() => app.close());
  beforeEach(() => model.reset());

  async function ask(
    path: string,
    body: object | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const heard = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await heard.text();
    // Redis answers in order: what was written is there.
    if (redis.status === 'ready' && !isRedisGone) await redis.ping();
    return { status: heard.status, text, cache: heard.headers.get('x-cache') };
  }
  let isRedisGone = false;

  /** Asks twice, and expects that the handler was asked both times. */
  async function expectNotCached(path: string, body: object): Promise<void> {
    const before = model.calls;
    await ask(path, body);
    expect((await ask(path, body)).cache).toBe('MISS');
    expect(model.calls - before).toBe(2);
  }

  describe('LiteLLM', () => {
    it('#42400: a parameter that nobody knows makes another request', async () => {
      const question = newQuestion();
      const others = [
        { num_ctx: 2_048 },
        { num_ctx: 4_096 },
        { top_k: 3 },
        { safety_settings: [{ category: 'x', threshold: 'BLOCK_NONE' }] },
        { safety_settings: [{ category: 'x', threshold: 'BLOCK_ALL' }] },
        { extra_body: { chat_template_kwargs: { enable_thinking: false } } },
        { made_up_tomorrow: null },
        {},
      ];
      const answers = [];
      for (const more of others)
        answers.push(await ask('chat/completions', { ...question, ...more }));
      expect(answers.map(({ cache }) => cache)).toEqual(others.map(() => 'MISS'));
      expect(model.calls).toBe(others.length);
    });

    it('#40128: the order of members makes no other request', async () => {
      const n = (asked += 1);
      const first = `{"model":"m","temperature":0,"messages":[{"role":"user","content":"${n}"}]}`;
      const second = `{"messages":[{"content":"${n}","role":"user"}],"temperature":0.0,"model":"m"}`;
      await ask('chat/completions', first);
      expect(await ask('chat/completions', second)).toHaveProperty('cache', 'HIT');
    });

    it('#29955: no tenant gets the answer of another one', async () => {
      const question = newQuestion();
      for (const who of ['Bearer a', 'Bearer b', 'Bearer a', 'Bearer b']) {
        const { text } = await ask('chat/completions', question, { authorization: who });
        expect(text).toContain(`for ${who}`);
      }
      expect(model.calls).toBe(2);
    });

    it('#32068: a stream comes again in all of its chunks, its reasoning among them', async () => {
      const question = { ...newQuestion(), stream: true };
      model.frames = [
        chatChunk([chatDelta({ role: 'assistant', content: '' })]),
        chatChunk([chatDelta({ reasoning_content: 'Let me see' })]),
        chatChunk([chatDelta({ reasoning_content: ', yes.' })]),
        ...['Yes', ', it', ' is.'].map((content) => chatChunk([chatDelta({ content })])),
        chatChunk([chatDelta({ annotations: [{ type: 'url_citation' }] })]),
        chatChunk([chatDelta({ tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] })]),
        chatChunk([chatDelta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] })]),
        chatChunk([chatDelta({}, 'tool_calls')]),
        DONE,
      ];
      await ask('stream/chat/completions', question);
      const { text, cache } = await ask('stream/chat/completions', question);
      expect(cache).toBe('HIT');
      const withoutHead = (frames: string): string =>
        frames.replaceAll(/"id":"[^"]*"|"created":\d+/g, '');
      expect(withoutHead(text)).toBe(withoutHead(model.frames.join('')));
    });

    describe.each([
      ['#29284', false],
      ['#41002', true],
    ])('%s: vectors in the order of their inputs', (issue, reversesVectors) => {
      it(`of which only unknown ones are asked for; the provider reverses them: ${reversesVectors}`, async () => {
        model.reversesVectors = reversesVectors;
        const input = (...names: string[]): object => ({
          model: `${issue} ${platform}`,
          input: names.map((name) => `${name} ${issue}`),
        });
        const vectors = (text: string): unknown =>
          JSON.parse(text).data.map(({ index, embedding }: Record<string, unknown>) => [
            index,
            embedding,
          ]);
        const expected = (...names: string[]): unknown =>
          names.map((name, index) => [index, vectorOf(`${name} ${issue}`)]);

        const first = await ask('embeddings', input('a', 'bb'));
        expect(vectors(first.text)).toEqual(expected('a', 'bb'));
        const mixed = ['ccc', 'bb', 'dddd', 'a', 'ccc'];
        const second = await ask('embeddings', input(...mixed));
        expect(vectors(second.text)).toEqual(expected(...mixed));
        expect(model.bodies.at(-1)).toEqual(input('ccc', 'dddd'));
        const third = await ask('embeddings', input('dddd', 'a', 'ccc'));
        expect(vectors(third.text)).toEqual(expected('dddd', 'a', 'ccc'));
        expect(third.cache).toBe('HIT');
        expect(model.calls).toBe(2);
      });
    });

    it.each([
      ['chat/completions', chatJson([])],
      ['chat/completions', chatJson([chatChoice('')])],
      ['v1/responses', response('completed', [])],
      ['v1/messages', message([], 'end_turn')],
      ['v1/messages', message([textBlock('')], 'end_turn')],
    ])('#40294: an empty answer is not kept: %s', async (path, json) => {
      model.json = json;
      await expectNotCached(path, { ...newQuestion(), input: 'a' });
    });

    it('FLUSHALL is never sent, and others keep their data, when the cache is cleared', async () => {
      const mine = newQuestion();
      await ask('chat/completions', mine);
      await redis.set('other-application:key', 'precious');
      const cache = app.get<Cache>(CACHE_MANAGER);
      await cache.set('mine', 'value');
      await cache.clear();
      expect(await cache.get('mine')).toBeUndefined();
      expect(await redis.get('other-application:key')).toBe('precious');
      const statistics = await redis.info('commandstats');
      expect(statistics).toContain('cmdstat_set:');
      expect(statistics).not.toMatch(/cmdstat_(flushall|flushdb|swapdb|keys):/);
      // What is stored before this process has noticed that all has been cleared is lost as well.
      await sleep(600);
    });
  });

  describe("the AI SDK's recipe", () => {
    it('the model is part of the key', async () => {
      const question = newQuestion();
      const ofModel = (name: string) => ask('chat/completions', { ...question, model: name });
      expect((await ofModel('small')).text).not.toBe((await ofModel('large')).text);
      expect(model.calls).toBe(2);
    });

    it.each([
      ['an error', [eventOf(undefined, { error: { message: 'Overloaded.' } })]],
      ['an error after words', [...chatFrames(['a']).slice(0, 2), eventOf('error', {})]],
      ['cut before its finish reason', chatFrames(['a', 'b']).slice(0, 3)],
      ['cut before [DONE]', chatFrames(['a', 'b']).slice(0, -1)],
    ])('a stream that failed is not kept: %s', async (_what, frames) => {
      model.frames = frames;
      await expectNotCached('stream/chat/completions', { ...newQuestion(), stream: true });
    });
  });

  describe('LangChain.js', () => {
    it('two images are two requests', async () => {
      const n = (asked += 1);
      const ofImage = (bytes: string): object => ({
        model: 'm',
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: `What is this? ${n}` },
              {
                type: 'image_url',
                image_url: {
                  url: `data:image/png;base64,${Buffer.from(bytes).toString('base64')}`,
                },
              },
            ],
          },
        ],
      });
      const cat = await ask('chat/completions', ofImage('a cat'));
      const dog = await ask('chat/completions', ofImage('a dog'));
      expect(dog.cache).toBe('MISS');
      expect(dog.text).not.toBe(cat.text);
      expect(await ask('chat/completions', ofImage('a cat'))).toHaveProperty('cache', 'HIT');
    });

    it.each(['chat/completions', 'stream/chat/completions'])(
      'those who ask the same at once share one call: %s',
      async (path) => {
        model.thinkMs = 100;
        const question = { ...newQuestion(), stream: path.startsWith('stream') };
        const answers = await Promise.all(Array.from({ length: 20 }, () => ask(path, question)));
        expect(model.calls).toBe(1);
        expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      },
    );
  });

  describe('@nestjs/cache-manager', () => {
    it('@Sse() comes again with all of its events, not the last one', async () => {
      const question = { ...newQuestion(), stream: true };
      const dataOf = ({ text }: Answer): unknown =>
        text.replaceAll(/"id":"[^"]*"|"created":\d+/g, '').match(/^data: .*$/gm);
      const first = dataOf(await ask('sse/chat/completions', question));
      expect(first).toHaveLength(chatFrames(['one', 'two']).length);
      expect(dataOf(await ask('sse/chat/completions', question))).toEqual(first);
      expect(model.calls).toBe(1);
    });

    it('a generator comes again whole, not as {}', async () => {
      const question = { ...newQuestion(), stream: true };
      await ask('stream/chat/completions', question);
      const { text, cache } = await ask('stream/chat/completions', question);
      expect(cache).toBe('HIT');
      expect(text).toContain('" of"');
      expect(text).toContain(DONE);
    });

    it('POST is cached', async () => {
      const question = newQuestion();
      await ask('chat/completions', question);
      expect(await ask('chat/completions', question)).toHaveProperty('cache', 'HIT');
    });

    const gone: readonly [string, () => void][] = [
      ['refuses', () => azure.redis.refuse()],
      ['does not answer', () => azure.redis.stall()],
      ['leads nowhere', () => azure.redis.blackhole()],
    ];
    it.each(gone)('nobody hangs when Redis %s, and no log has a value', async (_how, begin) => {
      const secret = `sk-${asked}-secret`;
      const question = { ...newQuestion(), user_text: secret };
      begin();
      isRedisGone = true;
      onTestFinished(async () => {
        azure.redis.recover();
        // What led nowhere does so for ever, and is noticed only after a while.
        azure.redis.kill('rst');
        isRedisGone = false;
        await eventually('Redis answers', async () => {
          const answer = await Promise.race([redis.ping().catch(() => ''), sleep(500)]);
          return answer === 'PONG';
        });
        const again = newQuestion();
        await eventually('the cache is used', async () => {
          return (await ask('chat/completions', again)).cache === 'HIT';
        });
      });
      for (const path of ['chat/completions', 'stream/chat/completions', 'embeddings']) {
        const body = path === 'embeddings' ? { model: 'm', input: [secret] } : question;
        const startedAt = performance.now();
        const { status } = await ask(path, body, { authorization: `Bearer ${secret}` });
        expect(status).toBe(200);
        // A read and a write may take their deadline of 250 ms each.
        expect(performance.now() - startedAt).toBeLessThan(2_000);
      }
      expect(model.calls).toBe(3);
      expect(logger.lines.join('\n')).not.toContain('secret');
    });

    it('no log has a value, a prompt or a credential', () => {
      expect(logger.lines.length).toBeGreaterThan(0);
      expect(logger.lines.join('\n')).not.toMatch(/question \d|call \d|secret|Bearer/);
    });
  });

  it.each([429, 500, 503])('Portkey: an answer with status %i is not kept', async (status) => {
    model.status = status;
    const question = newQuestion();
    for (const calls of [1, 2]) {
      expect(await ask('chat/completions', question)).toHaveProperty('status', status);
      expect(model.calls).toBe(calls);
    }
    model.status = 200;
    expect(await ask('chat/completions', question)).toMatchObject({ status: 200, cache: 'MISS' });
  });

  it('Portkey: a 429 in the body of a 200 is not kept', async () => {
    model.json = { error: { code: 429, message: 'Rate limit reached.' } };
    await expectNotCached('chat/completions', newQuestion());
  });

  it.each(['chat/completions', 'stream/chat/completions', 'sse/chat/completions'])(
    'semantic-router: nobody gets the id or the time of another answer: %s',
    async (path) => {
      const question = { ...newQuestion(), stream: path !== 'chat/completions' };
      const seen = new Set<string>();
      await ask(path, question);
      for (let round = 1; round <= 3; round += 1) {
        const { text } = await ask(path, question);
        const ids = new Set(text.match(/chatcmpl-\w+/g));
        expect(ids.size).toBe(1);
        for (const id of ids) seen.add(id);
        const times = new Set(text.match(/(?<="created":)\d+/g));
        expect(times.size).toBe(1);
        for (const time of times) expect(Date.now() / 1_000 - Number(time)).toBeLessThan(60);
      }
      expect(model.calls).toBe(1);
      expect(seen.size).toBe(3);
      expect(seen).not.toContain('chatcmpl-Abc123');
    },
  );
});
