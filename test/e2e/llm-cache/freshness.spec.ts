import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Body,
  Controller,
  HttpCode,
  HttpException,
  Inject,
  Injectable,
  Post,
  Res,
  Sse,
  type MessageEvent,
} from '@nestjs/common';
import { LlmCache } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { from, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

/** Long enough for a hit within it, on a busy machine. */
const TTL_MS = 1_000;
const WINDOW_MS = 60_000;

interface Question {
  readonly question: string;
  readonly status?: number;
  readonly thrown?: number;
}

@Injectable()
class Model {
  calls = 0;
  /** What a call answers or throws with from now on. */
  status = 200;
  thrown: number | undefined;
  /** Calls end when it does. */
  gate: Promise<void> = Promise.resolve();

  async answer(): Promise<object> {
    const call = (this.calls += 1);
    await this.gate;
    if (this.thrown !== undefined) throw new HttpException('The model is down.', this.thrown);
    return { call };
  }

  async response(): Promise<Response> {
    return Response.json(await this.answer(), { status: this.status });
  }

  async *lines(): AsyncGenerator<string> {
    const answer = JSON.stringify(await this.answer());
    yield `data: ${answer}\n\n`;
    yield 'data: end\n\n';
  }

  async *events(): AsyncGenerator<MessageEvent> {
    yield { data: await this.answer() };
    yield { data: 'end' };
  }
}

interface Headers {
  setHeader?(name: string, value: string): void;
  header?(name: string, value: string): void;
}

@Controller('revalidate')
@LlmCache({ ttlMs: TTL_MS, staleWhileRevalidateMs: WINDOW_MS })
class RevalidatedController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('json')
  json(): Promise<object> {
    return this.#model.answer();
  }

  @Post('passthrough')
  async passthrough(@Res({ passthrough: true }) response: Headers): Promise<object> {
    const answer = await this.#model.answer();
    (response.setHeader ?? response.header)?.call(response, 'x-call', JSON.stringify(answer));
    return answer;
  }

  @Post('lines')
  lines(): AsyncGenerator<string> {
    return this.#model.lines();
  }

  @Post('response')
  async response(): Promise<Response> {
    let text = '';
    for await (const line of this.#model.lines()) text += line;
    return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
  }

  @Sse('events', { method: 1 })
  events(): Observable<MessageEvent> {
    return from(this.#model.events());
  }

  @Post('own')
  async own(@Res() response: { end?(text: string): void; send(text: string): void }) {
    response.send(JSON.stringify(await this.#model.answer()));
  }
}

@Controller('error')
@LlmCache({ ttlMs: TTL_MS, staleIfErrorMs: WINDOW_MS })
class ForgivingController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('json')
  json(@Body() _question: Question): Promise<object> {
    return this.#model.answer();
  }

  @Post('response')
  @HttpCode(200)
  response(): Promise<Response> {
    return this.#model.response();
  }

  @Post('passthrough')
  passthrough(@Res({ passthrough: true }) _response: Headers): Promise<object> {
    return this.#model.answer();
  }

  @Post('short')
  @LlmCache({ staleIfErrorMs: 1 })
  short(): Promise<object> {
    return this.#model.answer();
  }
}

const QUESTION = { question: 'Hi' };
const callOf = ({ text }: ReadAnswer): string => /"call":(\d+)/.exec(text)?.[1] ?? text;

describe.each(PLATFORMS)('freshness on %s', (platform) => {
  let azure: LocalAzure;
  let app: CachedApp;
  let model: Model;

  beforeAll(async () => {
    azure = await startLocalAzure();
    app = await startCachedApp(azure, {
      platform,
      controllers: [RevalidatedController, ForgivingController],
      providers: [Model],
    });
    model = app.app.get(Model);
  });
  beforeEach(async () => {
    Object.assign(model, { calls: 0, status: 200, thrown: undefined, gate: Promise.resolve() });
    await emptyRedis(app.redis);
  });
  afterAll(async () => {
    await app.app.close();
    await azure.stop();
  });

  const ask = (path: string): Promise<ReadAnswer> => app.post(path, QUESTION);
  const isStored = (): Promise<void> =>
    eventually('an entry', async () => (await app.entries()).length === 1);
  const isPast = (): Promise<unknown> => sleep(TTL_MS + 50);

  describe('staleWhileRevalidateMs', () => {
    it.each(['json', 'lines', 'response', 'events'])(
      'gives the old answer of "%s" and asks once for a new one, for all',
      async (route) => {
        const path = `revalidate/${route}`;
        expect(callOf(await ask(path))).toBe('1');
        await isStored();
        expect(callOf(await ask(path))).toBe('1');
        await isPast();

        let open: () => void = () => undefined;
        model.gate = new Promise((resolve) => (open = resolve));
        const old = await Promise.all(Array.from({ length: 20 }, () => ask(path)));

        expect(old.map(callOf)).toEqual(Array.from({ length: 20 }, () => '1'));
        await eventually('a call in the background', () => model.calls === 2);
        expect(callOf(await ask(path))).toBe('1');
        open();
        await eventually('the new answer', async () => callOf(await ask(path)) === '2');
        expect(model.calls).toBe(2);
      },
    );

    it('tells in the headers how old the answer is', async () => {
      await ask('revalidate/json');
      await isStored();
      const fresh = await ask('revalidate/json');
      expect(fresh.cacheStatus).toMatch(/^LlmCache; hit; ttl=[01]$/);
      await isPast();

      const stale = await ask('revalidate/json');

      expect(stale.cacheStatus).toMatch(/^LlmCache; hit; ttl=-\d+$/);
      expect(stale.cache).toBe('HIT');
      expect(Number(stale.headers.get('age'))).toBeGreaterThanOrEqual(Math.floor(TTL_MS / 1_000));
      expect(app.cache.stats.stale).toBeGreaterThan(0);
      await eventually('the new one', async () => callOf(await ask('revalidate/json')) === '2');
    });

    it('gives the old answer as long as the calls in the background fail', async () => {
      await ask('revalidate/json');
      await isStored();
      await isPast();
      model.thrown = 500;

      for (let round = 2; round < 5; round += 1) {
        const answer = await ask('revalidate/json');
        expect([answer.status, callOf(answer)]).toEqual([201, '1']);
        await eventually('a call in the background', () => model.calls >= round);
      }
      model.thrown = undefined;
      await eventually('a new answer', async () => callOf(await ask('revalidate/json')) !== '1');
    });

    it('keeps the entry in Redis until the window ends', async () => {
      await ask('revalidate/json');
      await isStored();
      const left = await app.lifetime();
      expect(left).toBeGreaterThan(WINDOW_MS);
      expect(left).toBeLessThanOrEqual(TTL_MS + WINDOW_MS);
    });

    it.each(['own', 'passthrough'])(
      'means a miss where the handler takes @Res(): %s',
      async (route) => {
        const path = `revalidate/${route}`;
        await ask(path);
        await isStored();
        expect((await ask(path)).cache).toBe('HIT');
        await isPast();

        const answer = await ask(path);

        expect([callOf(answer), answer.cache]).toEqual(['2', 'MISS']);
      },
    );
  });

  describe('staleIfErrorMs', () => {
    async function storedAndPast(path: string): Promise<void> {
      expect(callOf(await ask(path))).toBe('1');
      await isStored();
      await isPast();
    }

    it.each([500, 502, 503, 504])(
      'gives the old answer when the call throws a %i',
      async (status) => {
        await storedAndPast('error/json');
        const { stale } = app.cache.stats;
        model.thrown = status;

        const answer = await ask('error/json');

        expect([answer.status, callOf(answer)]).toEqual([201, '1']);
        expect(answer.cacheStatus).toMatch(/^LlmCache; hit; ttl=-\d+$/);
        expect(app.cache.stats.stale).toBe(stale + 1);
        expect(model.calls).toBe(2);
      },
    );

    it('gives it where the handler takes @Res() with passthrough', async () => {
      await storedAndPast('error/passthrough');
      model.thrown = 502;
      expect(callOf(await ask('error/passthrough'))).toBe('1');
    });

    it('gives the old answer when the call answers with a 503', async () => {
      await storedAndPast('error/response');
      model.status = 503;
      const answer = await ask('error/response');
      expect([answer.status, callOf(answer)]).toEqual([200, '1']);
    });

    it('gives it to all who came while the call was under way', async () => {
      await storedAndPast('error/json');
      model.thrown = 503;
      let open: () => void = () => undefined;
      model.gate = new Promise((resolve) => (open = resolve));
      const asked = Array.from({ length: 10 }, () => ask('error/json'));
      await eventually('a call', () => model.calls === 2);
      open();

      expect((await Promise.all(asked)).map(callOf)).toEqual(Array.from({ length: 10 }, () => '1'));
    });

    it.each([400, 404, 429])('passes a %i on', async (status) => {
      await storedAndPast('error/json');
      model.thrown = status;
      expect((await ask('error/json')).status).toBe(status);
    });

    it('gives the new answer when the call succeeds', async () => {
      await storedAndPast('error/json');
      expect(callOf(await ask('error/json'))).toBe('2');
    });

    it('passes the error on behind the window', async () => {
      await storedAndPast('error/short');
      model.thrown = 503;
      expect((await ask('error/short')).status).toBe(503);
    });
  });
});

describe('freshness of fetch, in two applications', () => {
  const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
  let azure: LocalAzure;
  let apps: readonly CachedApp[];
  let upstream: Server;
  let url = '';
  const state = { calls: 0, status: 200, isReachable: true };

  beforeAll(async () => {
    azure = await startLocalAzure();
    apps = await Promise.all([startCachedApp(azure), startCachedApp(azure)]);
    upstream = createServer((request, response) => {
      void textOf(request).then(() => {
        state.calls += 1;
        if (!state.isReachable) return response.destroy();
        const message = { role: 'assistant', content: `answer ${state.calls}` };
        response.writeHead(state.status, { 'content-type': 'application/json' });
        const choices = [{ index: 0, message, finish_reason: 'stop' }];
        return response.end(JSON.stringify({ call: state.calls, choices }));
      });
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const address = upstream.address();
    if (address === null || typeof address === 'string') throw new Error('Not listening.');
    url = `http://127.0.0.1:${address.port}/v1/chat/completions`;
  });
  beforeEach(async () => {
    Object.assign(state, { calls: 0, status: 200, isReachable: true });
    for (const { redis } of apps) await emptyRedis(redis);
  });
  afterAll(async () => {
    upstream.close();
    upstream.closeAllConnections();
    for (const { app } of apps) await app.close();
    await azure.stop();
  });

  const ask = (
    app: CachedApp,
    options: Parameters<CachedApp['cache']['createFetch']>[0],
  ): Promise<ReadAnswer> =>
    app.read(
      app.cache.createFetch({ ttlMs: TTL_MS, ...options })(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(CHAT),
      }),
    );

  it('asks once in all of them for a new answer', async () => {
    const options = { staleWhileRevalidateMs: WINDOW_MS };
    const [first] = apps;
    if (first === undefined) throw new Error('Expected an application.');
    expect(callOf(await ask(first, options))).toBe('1');
    await eventually('an entry', async () => (await first.entries()).length === 1);
    await sleep(TTL_MS + 50);

    const asked = apps.flatMap((app) => Array.from({ length: 10 }, () => ask(app, options)));
    const answers = await Promise.all(asked);

    // Whoever comes when the new answer is there already gets that one.
    expect(answers.map(callOf).filter((call) => call !== '1' && call !== '2')).toEqual([]);
    await eventually('the new one', async () => callOf(await ask(first, options)) === '2');
    expect(state.calls).toBe(2);
  });

  it.each(['unreachable', 'with status 500'])('gives the old answer of a model %s', async (how) => {
    const [first] = apps;
    if (first === undefined) throw new Error('Expected an application.');
    const options = { staleIfErrorMs: WINDOW_MS };
    expect(callOf(await ask(first, options))).toBe('1');
    await eventually('an entry', async () => (await first.entries()).length === 1);
    await sleep(TTL_MS + 50);
    if (how === 'unreachable') state.isReachable = false;
    else state.status = 500;

    const answer = await ask(first, options);

    expect([answer.status, callOf(answer)]).toEqual([200, '1']);
    expect(answer.cacheStatus).toMatch(/^LlmCache; hit; ttl=-\d+$/);
  });
});
