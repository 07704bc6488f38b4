import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
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
import { LlmCache, type LlmCacheFetchOptions } from 'nestjs-azure-redis';
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
  vi,
} from 'vitest';
import {
  startCachedApp,
  type CachedApp,
  type CachedAppOptions,
  type ReadAnswer,
} from '../../fixtures/cached-app.js';
import { emptyRedis, keysOf } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

const TTL_MS = 30_000;
const WINDOW_MS = 60_000;
/** Between two pieces of a slow answer. */
const PACE_MS = 200;
/** Of the old answers that are given for an error, where there are both. */
const LONGER_WINDOW_MS = 120_000;

/** Time goes on, and can be put forward; Redis keeps entries by a clock of its own. */
const now = Date.now.bind(Date);
let aheadMs = 0;
const pass = (ms: number): void => void (aheadMs += ms);
beforeEach(() => {
  aheadMs = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + aheadMs);
});
afterEach(() => void vi.restoreAllMocks());

@Injectable()
class Model {
  calls = 0;
  /** Inputs that were to be embedded. */
  inputs: unknown[] = [];
  /** What a call answers or throws with from now on. */
  status = 200;
  failure: Error | undefined;
  /** What a stream throws with behind its first piece. */
  break: Error | undefined;
  /** Calls end when it does. */
  gate: Promise<void> = Promise.resolve();
  onCall: () => void = () => undefined;

  reset(): void {
    this.calls = 0;
    this.inputs = [];
    this.status = 200;
    this.failure = undefined;
    this.break = undefined;
    this.gate = Promise.resolve();
    this.onCall = () => undefined;
  }

  async answer(): Promise<object> {
    const call = (this.calls += 1);
    this.onCall();
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return { call };
  }

  async response(): Promise<Response> {
    return Response.json(await this.answer(), { status: this.status });
  }

  async *lines(): AsyncGenerator<string> {
    const answer = JSON.stringify(await this.answer());
    yield `data: ${answer}\n\n`;
    if (this.break !== undefined) throw this.break;
    yield 'data: end\n\n';
  }

  async *events(): AsyncGenerator<MessageEvent> {
    yield { data: await this.answer() };
    if (this.break !== undefined) throw this.break;
    yield { data: 'end' };
  }

  embed(body: unknown): object {
    const call = (this.calls += 1);
    const { input = [] } = Object.assign<{ input?: unknown[] }, unknown>({}, body);
    this.inputs.push(input);
    if (this.failure !== undefined) throw this.failure;
    const data = input.map((_text, index) => ({ object: 'embedding', index, embedding: [call] }));
    return { object: 'list', data, model: 'm', usage: { prompt_tokens: 1, total_tokens: 1 } };
  }
}

/** What Express and Fastify have in common. */
interface Reply {
  status(status: number): unknown;
  header(name: string, value: string): unknown;
  send(text: string): unknown;
}

class AnswersController {
  protected readonly model: Model;

  constructor(@Inject(Model) model: Model) {
    this.model = model;
  }

  @Post('json')
  json(): Promise<object> {
    return this.model.answer();
  }

  @Post('described')
  @HttpCode(200)
  @Header('content-type', 'application/vnd.answer+json')
  @Header('content-language', 'de')
  described(): Promise<object> {
    return this.model.answer();
  }

  @Post('lines')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  lines(): AsyncGenerator<string> {
    return this.model.lines();
  }

  @Post('paced')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  @LlmCache({ pacing: { tokensPerSecond: 1_000 / PACE_MS } })
  paced(): AsyncGenerator<string> {
    return this.model.lines();
  }

  @Post('response')
  response(): Promise<Response> {
    return this.model.response();
  }

  @Post('sse-response')
  async sseResponse(): Promise<Response> {
    let text = '';
    for await (const line of this.model.lines()) text += line;
    return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
  }

  @Sse('events', { method: RequestMethod.POST })
  events(): Observable<MessageEvent> {
    return from(this.model.events());
  }

  @Post('own')
  async own(@Res() reply: Reply): Promise<void> {
    reply.send(JSON.stringify(await this.model.answer()));
  }

  @Post('passthrough')
  async passthrough(@Res({ passthrough: true }) reply: Reply): Promise<object> {
    const answer = await this.model.answer();
    reply.header('x-call', JSON.stringify(answer));
    if (this.model.status === 200) return answer;
    reply.status(this.model.status);
    return { title: 'The model is down.' };
  }

  @Post('embeddings')
  embeddings(@Body() body: unknown): object {
    return this.model.embed(body);
  }
}

@Controller('revalidate')
@LlmCache({ ttlMs: TTL_MS, staleWhileRevalidateMs: WINDOW_MS })
class RevalidatedController extends AnswersController {}

@Controller('forgive')
@LlmCache({ ttlMs: TTL_MS, staleIfErrorMs: WINDOW_MS })
class ForgivingController extends AnswersController {}

@Controller('both')
@LlmCache({
  ttlMs: TTL_MS,
  staleWhileRevalidateMs: WINDOW_MS,
  staleIfErrorMs: LONGER_WINDOW_MS,
})
class PatientController extends AnswersController {}

@Controller('neither')
@LlmCache({ ttlMs: TTL_MS })
class StrictController extends AnswersController {}

/** What an answer takes that is asked for early, and by whom. */
const TOOK_MS = 200;
const ONE_IN_A_MILLION = 1 - 1e-6;

const CONTROLLERS = [
  RevalidatedController,
  ForgivingController,
  PatientController,
  StrictController,
];
const QUESTION = { question: 'Hi' };
const EMBEDDED = { model: 'm', input: ['Hi'] };
const OLD = /^LlmCache; hit; ttl=-\d+$/;

const isDown = (status: number): HttpException => new HttpException('The model is down.', status);
const callOf = ({ text }: ReadAnswer): string => /\W+call\W+(\d+)/.exec(text)?.[1] ?? text;
const times = <T>(count: number, of: () => T): T[] => Array.from({ length: count }, of);

/** Holds all calls up until it is opened. */
function gated(model: Model): () => void {
  let open: () => void = () => undefined;
  model.gate = new Promise((resolve) => (open = resolve));
  return open;
}

/** As the package `http-errors` makes it, whose errors Nest answers with their status. */
const httpError = (status: number): Error =>
  Object.assign(new Error('Not like this.'), { expose: true, status, statusCode: status });

class FastifyError extends Error {
  readonly code = 'FST_ERR_OF_THE_REQUEST';
  readonly statusCode = 413;
}

describe.each(PLATFORMS)('freshness on %s', (platform) => {
  let azure: LocalAzure;
  let app: CachedApp;
  let model: Model;
  let responses: ServerResponse[];

  const startApp = (cache: CachedAppOptions['cache'] = {}): Promise<CachedApp> =>
    startCachedApp(azure, { platform, cache, controllers: CONTROLLERS, providers: [Model] });

  beforeAll(async () => {
    azure = await startLocalAzure();
    app = await startApp();
    model = app.app.get(Model);
    const server: Server = app.app.getHttpServer();
    server.on('request', (_request, response) => responses.push(response));
  });
  beforeEach(async () => {
    responses = [];
    model.reset();
    await emptyRedis(app.redis);
  });
  afterAll(async () => {
    await app.app.close();
    await azure.stop();
  });

  const ask = (path: string, headers: Record<string, string> = {}): Promise<ReadAnswer> =>
    app.post(path, QUESTION, headers);
  const isStored = (): Promise<void> =>
    eventually('an entry', async () => (await app.entries()).length === 1);
  const isNew = (path: string, call = '2'): Promise<void> =>
    eventually('the new answer', async () => callOf(await ask(path)) === call);

  async function stored(path: string): Promise<ReadAnswer> {
    const answer = await ask(path);
    expect(callOf(answer)).toBe('1');
    await isStored();
    return answer;
  }

  /** @param behindMs its lifetime */
  async function storedAndOld(path: string, behindMs = 5_000): Promise<ReadAnswer> {
    const answer = await stored(path);
    pass(TTL_MS + behindMs);
    return answer;
  }

  describe('staleWhileRevalidateMs', () => {
    it.each(['json', 'described', 'lines', 'response', 'sse-response', 'events'])(
      'gives the old answer of "%s" and asks once for a new one, for all',
      async (route) => {
        const path = `revalidate/${route}`;
        const first = await stored(path);
        expect(callOf(await ask(path))).toBe('1');
        pass(TTL_MS + 5_000);

        const open = gated(model);
        const old = await Promise.all(times(20, () => ask(path)));

        expect(old.map(({ text }) => text)).toEqual(times(20, () => first.text));
        await eventually('a call in the background', () => model.calls === 2);
        expect(callOf(await ask(path))).toBe('1');
        open();
        await isNew(path);
        expect(model.calls).toBe(2);
        for (const answer of [...old, await ask(path)]) {
          expect(answer.status).toBe(first.status);
          for (const name of ['content-type', 'content-language']) {
            expect(answer.headers.get(name)).toBe(first.headers.get(name));
          }
        }
      },
    );

    it('tells in the headers how old the answer is', async () => {
      await stored('revalidate/json');
      pass(10_000);
      const fresh = await ask('revalidate/json');
      expect(fresh.cacheStatus).toMatch(/^LlmCache; hit; ttl=(19|20)$/);
      expect(fresh.headers.get('age')).toMatch(/^1[01]$/);
      pass(TTL_MS);
      const { stale, hits } = app.cache.stats;

      const old = await ask('revalidate/json');

      expect(old.cacheStatus).toMatch(/^LlmCache; hit; ttl=-1[012]$/);
      expect(old.headers.get('age')).toMatch(/^4[012]$/);
      expect(old.cache).toBe('HIT');
      expect(app.cache.stats).toMatchObject({ stale: stale + 1, hits });
      await isNew('revalidate/json');
      expect((await ask('revalidate/json')).cacheStatus).toMatch(/^LlmCache; hit; ttl=2[89]$/);
    });

    it.each(['json', 'lines', 'paced', 'response', 'events'])(
      'asks for the new answer of "%s" when the old one has been sent',
      async (route) => {
        const path = `revalidate/${route}`;
        await storedAndOld(path);
        let sent: boolean[] = [];
        model.onCall = () => {
          sent = responses.map(({ writableFinished }) => writableFinished);
        };
        await ask(path);
        await eventually('a call in the background', () => model.calls === 2);
        expect(sent).toEqual([true, true]);
      },
    );

    it('asks for none when somebody has got one before the old one was sent', async () => {
      const path = 'revalidate/paced';
      await storedAndOld(path);
      const [sooner, later] = [ask(path), sleep(PACE_MS / 2).then(() => ask(path))];
      expect(callOf(await sooner)).toBe('1');
      await later;
      await isNew(path);
      expect(callOf(await ask(path))).toBe('2');
      expect(model.calls).toBe(2);
    });

    it('asks once without the other processes, too', async () => {
      const own = await startApp({ namespace: 'alone', llm: { fleet: false } });
      onTestFinished(() => own.app.close());
      const ownModel = own.app.get(Model);
      await own.post('revalidate/json', QUESTION);
      pass(TTL_MS + 5_000);
      const open = gated(ownModel);
      const askOwn = (): Promise<ReadAnswer> => own.post('revalidate/json', QUESTION);
      expect((await Promise.all(times(10, askOwn))).map(callOf)).toEqual(times(10, () => '1'));
      await eventually('a call in the background', () => ownModel.calls > 1);
      open();
      await eventually('the new one', async () => callOf(await askOwn()) === '2');
      expect(ownModel.calls).toBe(2);
    });

    it.each<[what: string, route: string, trouble: Partial<Model>]>([
      ['throws a 500', 'json', { failure: isDown(500) }],
      ['throws a 400', 'json', { failure: isDown(400) }],
      ['throws an error of its own', 'json', { failure: new TypeError('fetch failed') }],
      ['answers with a 503', 'response', { status: 503 }],
      ['answers with a 404', 'response', { status: 404 }],
      ['fails before the first piece', 'lines', { failure: isDown(503) }],
      ['breaks off behind the first piece', 'lines', { break: new Error('cut') }],
      ['breaks off behind the first event', 'events', { break: new Error('cut') }],
    ])('gives the old answer as long as the call %s: %s', async (_what, route, trouble) => {
      const path = `revalidate/${route}`;
      const first = await storedAndOld(path);
      Object.assign(model, trouble);

      for (let calls = 2; calls < 5; calls += 1) {
        // Who comes while a call is under way makes none.
        await eventually('a call in the background', async () => {
          const { status, text } = await ask(path);
          expect({ status, text }).toEqual({ status: first.status, text: first.text });
          return model.calls >= calls;
        });
      }
      Object.assign(model, { status: 200, failure: undefined, break: undefined });
      await eventually('a new answer', async () => callOf(await ask(path)) !== '1');
    });

    it.each(['json', 'lines', 'response'])('ends with its window: "%s"', async (route) => {
      const path = `revalidate/${route}`;
      await storedAndOld(path, WINDOW_MS + 1);
      const answer = await ask(path);
      expect([callOf(answer), answer.cache]).toEqual(['2', 'MISS']);
      expect(answer.headers.get('age')).toBeNull();
    });

    it('passes the error on behind its window', async () => {
      await storedAndOld('revalidate/json', WINDOW_MS + 1);
      model.failure = isDown(503);
      expect((await ask('revalidate/json')).status).toBe(503);
    });

    it('asks early for a new answer, which counts as a hit', async () => {
      model.gate = sleep(TOOK_MS);
      await stored('revalidate/json');
      pass(TTL_MS - 10 * TOOK_MS);
      const { hits, stale } = app.cache.stats;
      vi.spyOn(Math, 'random').mockReturnValue(ONE_IN_A_MILLION);

      const early = await ask('revalidate/json');

      expect(callOf(early)).toBe('1');
      expect(early.cacheStatus).toMatch(/^LlmCache; hit; ttl=[01]$/);
      expect(app.cache.stats).toMatchObject({ hits: hits + 1, stale });
      await eventually('a call in the background', () => model.calls === 2);
      await isNew('revalidate/json');
    });

    it.each(['forgive', 'neither'])('is needed for that: "%s"', async (controller) => {
      const path = `${controller}/json`;
      model.gate = sleep(TOOK_MS);
      await stored(path);
      pass(TTL_MS - 10 * TOOK_MS);
      vi.spyOn(Math, 'random').mockReturnValue(ONE_IN_A_MILLION);
      for (let round = 1; round <= 3; round += 1) expect((await ask(path)).cache).toBe('HIT');
      pass(10 * TOOK_MS + 1);
      expect(callOf(await ask(path))).toBe('2');
    });

    it('gives nothing old that has been invalidated', async () => {
      await storedAndOld('revalidate/json');
      await app.cache.invalidate({ all: true });
      expect(callOf(await ask('revalidate/json'))).toBe('2');
    });

    it('gives nobody the answer of a call from before an invalidation', async () => {
      await storedAndOld('revalidate/json');
      const open = gated(model);
      expect(callOf(await ask('revalidate/json'))).toBe('1');
      await eventually('a call in the background', () => model.calls === 2);
      await app.cache.invalidate({ all: true });
      open();
      const answers = [await ask('revalidate/json'), await ask('revalidate/json')];
      expect(answers.map(callOf)).toEqual(['3', '3']);
    });
  });

  describe('staleIfErrorMs', () => {
    it.each<[what: string, failure: Error]>([
      ['a 500', isDown(500)],
      ['a 502', isDown(502)],
      ['a 503', isDown(503)],
      ['a 504', isDown(504)],
      ['a 503 of http-errors', httpError(503)],
      ['an error without a status', new TypeError('fetch failed')],
    ])('gives the old answer when the call throws %s', async (_what, failure) => {
      const first = await storedAndOld('forgive/json');
      const { stale, hits, misses } = app.cache.stats;
      model.failure = failure;

      const answer = await ask('forgive/json');

      expect(answer).toMatchObject({ status: first.status, text: first.text, cache: 'HIT' });
      expect(answer.cacheStatus).toMatch(OLD);
      expect(answer.headers.get('age')).toMatch(/^3[5-9]$/);
      // The call that failed is one, too.
      expect(app.cache.stats).toMatchObject({ stale: stale + 1, misses: misses + 1, hits });
      expect(model.calls).toBe(2);
    });

    it.each(['described', 'lines', 'response', 'sse-response', 'passthrough'])(
      'gives the old answer of "%s" as it was, in its own way',
      async (route) => {
        const first = await storedAndOld(`forgive/${route}`);
        model.failure = isDown(503);
        const answer = await ask(`forgive/${route}`);
        expect(answer).toMatchObject({ status: first.status, text: first.text, cache: 'HIT' });
        for (const name of ['content-type', 'content-language']) {
          expect(answer.headers.get(name)).toBe(first.headers.get(name));
        }
      },
    );

    it('gives the old events when there is none of the new ones', async () => {
      const first = await storedAndOld('forgive/events');
      model.failure = isDown(503);
      const { status, text } = await ask('forgive/events');
      expect({ status, text }).toEqual({ status: first.status, text: first.text });
    });

    it.each([500, 502, 503, 504])('gives it when the call answers with a %i', async (status) => {
      const first = await storedAndOld('forgive/response');
      model.status = status;
      const answer = await ask('forgive/response');
      expect(answer).toMatchObject({ status: first.status, text: first.text });
      expect(answer.cacheStatus).toMatch(OLD);
    });

    it('gives it to all who came while the call was under way', async () => {
      await storedAndOld('forgive/json');
      const { stale } = app.cache.stats;
      model.failure = isDown(503);
      const open = gated(model);
      const asked = times(10, () => ask('forgive/json'));
      await eventually('a call', () => model.calls === 2);
      await eventually('all of them', () => responses.length === 11);
      open();

      const answers = await Promise.all(asked);

      expect(answers.map(callOf)).toEqual(times(10, () => '1'));
      for (const { cacheStatus } of answers) expect(cacheStatus).toMatch(OLD);
      expect(app.cache.stats.stale).toBe(stale + 10);
    });

    it.each<[what: string, status: number, failure: Error]>([
      ['a 400', 400, isDown(400)],
      ['a 404', 404, isDown(404)],
      ['a 429', 429, isDown(429)],
      ['a 501', 501, isDown(501)],
      ['a 404 of http-errors', 404, httpError(404)],
      ['a 413 of Fastify', 413, new FastifyError()],
    ])('passes %s on', async (_what, status, failure) => {
      await storedAndOld('forgive/json');
      model.failure = failure;
      expect((await ask('forgive/json')).status).toBe(status);
    });

    it.each([400, 404, 429, 501])('passes on an answer with status %i', async (status) => {
      await storedAndOld('forgive/response');
      model.status = status;
      const answer = await ask('forgive/response');
      expect([answer.status, callOf(answer), answer.cache]).toEqual([status, '2', 'MISS']);
    });

    it('cuts a stream that breaks off, whose beginning has been given', async () => {
      await storedAndOld('forgive/lines');
      model.break = new Error('cut');
      await expect(ask('forgive/lines')).rejects.toThrow('terminated');
    });

    it.each(['json', 'lines', 'response', 'events'])(
      'gives the new answer of "%s" when the call succeeds',
      async (route) => {
        await storedAndOld(`forgive/${route}`);
        expect(callOf(await ask(`forgive/${route}`))).toBe('2');
        await isStored();
        expect(callOf(await ask(`forgive/${route}`))).toBe('2');
      },
    );

    it('passes the error on behind its window', async () => {
      await storedAndOld('forgive/json', WINDOW_MS + 1);
      model.failure = isDown(503);
      expect((await ask('forgive/json')).status).toBe(503);
    });

    it('counts behind the window in which a new answer is asked for in the background', async () => {
      await storedAndOld('both/json', WINDOW_MS + 1);
      model.failure = isDown(503);
      expect(callOf(await ask('both/json'))).toBe('1');
      model.failure = undefined;
      const answer = await ask('both/json');
      expect([callOf(answer), answer.cache]).toEqual(['3', 'MISS']);
    });
  });

  describe('where the handler takes @Res()', () => {
    it.each(['own', 'passthrough'])('an old answer is a miss: "%s"', async (route) => {
      const path = `both/${route}`;
      await stored(path);
      expect((await ask(path)).cache).toBe('HIT');
      pass(TTL_MS + 1);
      const answer = await ask(path);
      expect([callOf(answer), answer.cache]).toEqual(['2', 'MISS']);
      expect((await ask(path)).cache).toBe('HIT');
    });

    it('and writes by itself, its error is passed on', async () => {
      await storedAndOld('both/own');
      model.failure = isDown(503);
      expect((await ask('both/own')).status).toBe(503);
    });
  });

  it.each([
    ['neither/json', TTL_MS],
    ['revalidate/json', TTL_MS + WINDOW_MS],
    ['forgive/json', TTL_MS + WINDOW_MS],
    ['both/json', TTL_MS + LONGER_WINDOW_MS],
    ['both/lines', TTL_MS + LONGER_WINDOW_MS],
    ['both/passthrough', TTL_MS + LONGER_WINDOW_MS],
    ['revalidate/passthrough', TTL_MS],
    ['both/own', TTL_MS],
  ])('Redis keeps the entry of "%s" for %i ms', async (path, keptMs) => {
    await stored(path);
    const left = await app.lifetime();
    expect(left).toBeLessThanOrEqual(keptMs);
    expect(left).toBeGreaterThan(keptMs - 10_000);
  });

  describe('embeddings', () => {
    const embed = (): Promise<ReadAnswer> => app.post('both/embeddings', EMBEDDED);
    const vectorOf = ({ text }: ReadAnswer): unknown => JSON.parse(text).data[0].embedding;

    it('are never given behind their lifetime', async () => {
      await embed();
      const [key = ''] = await keysOf(app.redis);
      expect(await app.redis.pttl(key)).toBeLessThanOrEqual(TTL_MS);
      expect((await embed()).cache).toBe('HIT');
      pass(TTL_MS + 1);
      expect(vectorOf(await embed())).toEqual([2]);
      expect(model.inputs).toEqual([['Hi'], ['Hi']]);
      pass(TTL_MS + 1);
      model.failure = isDown(503);
      expect((await embed()).status).toBe(503);
    });
  });

  describe('with wishes of callers', () => {
    let own: CachedApp;
    let ownModel: Model;
    beforeEach(async () => {
      own = await startApp({ namespace: 'wishes', llm: { clientControls: 'http' } });
      ownModel = own.app.get(Model);
      onTestFinished(() => own.app.close());
    });
    const wish = (path: string, cacheControl = ''): Promise<ReadAnswer> =>
      own.post(path, QUESTION, { 'cache-control': cacheControl });

    it.each(['no-cache', 'max-age=31'])('"%s": an old answer is none', async (cacheControl) => {
      await wish('both/json');
      pass(TTL_MS + 5_000);
      expect(callOf(await wish('both/json', cacheControl))).toBe('2');
      ownModel.failure = isDown(503);
      pass(TTL_MS + 5_000);
      expect((await wish('both/json', cacheControl)).status).toBe(503);
    });

    it.each(['only-if-cached'])('"%s": an old answer is one', async (cacheControl) => {
      await wish('both/json');
      pass(TTL_MS + 5_000);
      expect(callOf(await wish('both/json', cacheControl))).toBe('1');
      await eventually('a new one', async () => callOf(await wish('both/json')) === '2');
    });

    it('"no-store": nobody is asked in the background for what nobody would get', async () => {
      await wish('revalidate/json');
      pass(TTL_MS + 5_000);
      await wish('revalidate/json', 'no-store');
      await eventually('a new one', async () => callOf(await wish('revalidate/json')) !== '1');
      expect(callOf(await wish('revalidate/json'))).toBe('2');
    });

    it('"only-if-cached": what is given for an error only is none: 504', async () => {
      await wish('forgive/json');
      pass(TTL_MS + 5_000);
      expect((await wish('forgive/json', 'only-if-cached')).status).toBe(504);
    });
  });
});

describe('freshness of fetch, in two applications', () => {
  const CHAT = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
  let azure: LocalAzure;
  let first: CachedApp;
  let second: CachedApp;
  let upstream: Server;
  let url = '';
  const state = { calls: 0, status: 200, isReachable: true, gate: Promise.resolve() };

  /** One call's answer, as JSON or as a stream. */
  function answerOf(call: number, isStream: boolean): string {
    const content = JSON.stringify({ call });
    const message = { role: 'assistant', content };
    if (!isStream) {
      return JSON.stringify({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
    }
    const frames = [
      { choices: [{ index: 0, delta: { content } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ];
    const lines = [...frames.map((frame) => JSON.stringify(frame)), '[DONE]'];
    return lines.map((line) => `data: ${line}\n\n`).join('');
  }

  beforeAll(async () => {
    azure = await startLocalAzure();
    [first, second] = await Promise.all([startCachedApp(azure), startCachedApp(azure)]);
    upstream = createServer((request, response) => {
      void textOf(request).then(async (text) => {
        const call = (state.calls += 1);
        await state.gate;
        if (!state.isReachable) return response.destroy();
        const isStream = JSON.parse(text).stream === true;
        const type = isStream ? 'text/event-stream' : 'application/json';
        response.writeHead(state.status, { 'content-type': type });
        return response.end(answerOf(call, isStream));
      });
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const address = upstream.address();
    if (address === null || typeof address === 'string') throw new Error('Not listening.');
    url = `http://127.0.0.1:${address.port}/v1/chat/completions`;
  });
  beforeEach(async () => {
    Object.assign(state, { calls: 0, status: 200, isReachable: true, gate: Promise.resolve() });
    await emptyRedis(first.redis);
  });
  afterAll(async () => {
    upstream.close();
    upstream.closeAllConnections();
    for (const { app } of [first, second]) await app.close();
    await azure.stop();
  });

  const askBy = (
    app: CachedApp,
    options: LlmCacheFetchOptions,
    body: object = CHAT,
  ): Promise<ReadAnswer> =>
    app.read(
      app.cache.createFetch({ ttlMs: TTL_MS, ...options })(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );

  async function storedAndOld(
    options: LlmCacheFetchOptions,
    body: object = CHAT,
    behindMs = 5_000,
  ): Promise<ReadAnswer> {
    const answer = await askBy(first, options, body);
    expect(callOf(answer)).toBe('1');
    await eventually('an entry', async () => (await first.entries()).length === 1);
    pass(TTL_MS + behindMs);
    return answer;
  }

  const REVALIDATED = { staleWhileRevalidateMs: WINDOW_MS };
  const FORGIVING = { staleIfErrorMs: WINDOW_MS };

  it.each([false, true])(
    'asks once in all of them for a new answer, stream: %s',
    async (stream) => {
      const body = { ...CHAT, stream };
      await storedAndOld(REVALIDATED, body);
      let open: () => void = () => undefined;
      state.gate = new Promise((resolve) => (open = resolve));

      const asked = [first, second].flatMap((app) =>
        times(10, () => askBy(app, REVALIDATED, body)),
      );
      const old = await Promise.all(asked);

      expect(old.map(callOf)).toEqual(times(20, () => '1'));
      for (const { cacheStatus } of old) expect(cacheStatus).toMatch(OLD);
      await eventually('a call in the background', () => state.calls === 2);
      open();
      for (const app of [second, first]) {
        const isNew = async () => callOf(await askBy(app, REVALIDATED, body)) === '2';
        await eventually('the new answer', isNew);
      }
      expect(state.calls).toBe(2);
    },
  );

  it('goes on in another process when the one that asked gets an error', async () => {
    await storedAndOld(REVALIDATED);
    state.isReachable = false;
    await askBy(first, REVALIDATED);
    await eventually('a call in the background', () => state.calls === 2);
    state.isReachable = true;
    const isNew = async () => callOf(await askBy(second, REVALIDATED)) === '3';
    await eventually('the new answer', isNew);
  });

  it('ends with its window', async () => {
    await storedAndOld(REVALIDATED, CHAT, WINDOW_MS + 1);
    const answer = await askBy(first, REVALIDATED);
    expect([callOf(answer), answer.cache]).toEqual(['2', 'MISS']);
  });

  it.each<[what: string, stream: boolean, trouble: Partial<typeof state>]>([
    ['is unreachable', false, { isReachable: false }],
    ['is unreachable', true, { isReachable: false }],
    ['answers with a 500', false, { status: 500 }],
    ['answers with a 503', true, { status: 503 }],
  ])('gives the old answer when the model %s, stream: %s', async (_what, stream, trouble) => {
    const body = { ...CHAT, stream };
    const old = await storedAndOld(FORGIVING, body);
    Object.assign(state, trouble);

    const answer = await askBy(first, FORGIVING, body);

    expect([answer.status, callOf(answer)]).toEqual([200, '1']);
    expect(answer.headers.get('content-type')).toBe(old.headers.get('content-type'));
    expect(answer.cacheStatus).toMatch(OLD);
  });

  it('stops the error whose place the old answer takes', async () => {
    await storedAndOld(FORGIVING);
    let stopped = false;
    const body = new ReadableStream({ cancel: () => void (stopped = true) });
    const failing: typeof fetch = async () => new Response(body, { status: 503 });
    expect(callOf(await askBy(first, { ...FORGIVING, fetch: failing }))).toBe('1');
    expect(stopped).toBe(true);
  });

  it('gives it to all in all processes while the model is down', async () => {
    await storedAndOld(FORGIVING);
    state.status = 503;
    let open: () => void = () => undefined;
    state.gate = new Promise((resolve) => (open = resolve));
    const asked = [first, second].flatMap((app) => times(5, () => askBy(app, FORGIVING)));
    await eventually('a call', () => state.calls > 1);
    open();
    const answers = await Promise.all(asked);
    expect(answers.map((answer) => [answer.status, callOf(answer)])).toEqual(
      times(10, () => [200, '1']),
    );
    // One for each process.
    expect(state.calls).toBeLessThanOrEqual(3);
  });

  it.each([400, 401, 404, 429, 501])('passes a %i on', async (status) => {
    await storedAndOld(FORGIVING);
    state.status = status;
    const answer = await askBy(first, FORGIVING);
    expect([answer.status, callOf(answer)]).toEqual([status, '2']);
  });

  it('passes the error on behind the window', async () => {
    await storedAndOld(FORGIVING, CHAT, WINDOW_MS + 1);
    state.status = 503;
    expect((await askBy(first, FORGIVING)).status).toBe(503);
    state.isReachable = false;
    await expect(askBy(first, FORGIVING)).rejects.toThrow('fetch failed');
  });
});
