import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { request as httpRequest, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import {
  Body,
  Controller,
  Header,
  Headers as RequestHeaders,
  HttpException,
  Inject,
  Injectable,
  Post,
  Req,
  RequestMethod,
  Res,
  Sse,
  SseSignal,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { LlmCacheInterceptor, type LlmCacheOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import {
  concat,
  defer,
  finalize,
  from,
  fromEvent,
  map,
  of,
  takeUntil,
  type Observable,
} from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

/** The second half of each answer waits until the model is open. */
@Injectable()
class Model {
  calls = 0;
  stopped = 0;
  isOpen = true;
  /** Calls that never get an answer. */
  hanging = 0;
  /** The request in whose context each piece was made. */
  requests: (string | undefined)[] = [];

  async call(): Promise<number> {
    this.calls += 1;
    if (this.calls <= this.hanging) await this.nothing();
    return this.calls;
  }

  async opened(): Promise<void> {
    while (!this.isOpen) await sleep(5);
  }

  nothing(): Promise<never> {
    return new Promise(() => undefined);
  }

  /** One value at once, the other one later. */
  later<T>(first: T, second: T): Observable<T> {
    return defer(() => {
      this.calls += 1;
      return concat(of(first), from(this.opened()).pipe(map(() => second)));
    }).pipe(finalize(() => void (this.stopped += 1)));
  }
}

/** What Express and Fastify have in common. */
interface AnyRequest {
  readonly socket: Socket;
  readonly hostname: string;
}

interface AnyResponse {
  header(name: string, value: string | string[]): unknown;
  status(code: number): unknown;
}

type OwnResponse =
  ServerResponse | { readonly raw: ServerResponse; readonly hijack: () => unknown };

/** Node's own response, which nobody else will write to. */
function takeOver(response: OwnResponse): ServerResponse {
  if (response instanceof ServerResponse) return response;
  response.hijack();
  return response.raw;
}

@Controller()
@UseInterceptors(LlmCacheInterceptor)
class AnswerController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('progress')
  progress(): Observable<object> {
    return this.#model.later<object>({ progress: 50 }, { done: true });
  }

  @Sse('events', { method: RequestMethod.POST })
  events(): Observable<object> {
    return this.#model.later({ data: 'one' }, { data: 'two' });
  }

  @Sse('events-until-gone', { method: RequestMethod.POST })
  eventsUntilGone(@SseSignal() signal: AbortSignal): Observable<object> {
    return this.events().pipe(takeUntil(fromEvent(signal, 'abort')));
  }

  @Post('generator-until-gone')
  async *generatorUntilGone(@Req() { socket }: AnyRequest): AsyncGenerator<string> {
    this.#model.calls += 1;
    const closed = once(socket, 'close');
    yield 'one ';
    await Promise.race([closed, this.#model.opened()]);
    this.#model.stopped += 1;
    if (socket.destroyed) return;
    yield 'two';
  }

  @Post('writes-and-throws')
  async writesAndThrows(@Res() response: OwnResponse): Promise<void> {
    this.#model.calls += 1;
    const raw = takeOver(response);
    raw.setHeader('content-type', 'text/plain');
    raw.write('half an ans');
    await sleep(10);
    throw new Error('The upstream broke.');
  }

  /** With a status that would be stored. */
  @Post('throws-at-once')
  throwsAtOnce(@Res() _response: OwnResponse): void {
    throw new HttpException({ sorry: (this.#model.calls += 1) }, 200);
  }

  @Post('writes-gzip')
  async writesGzip(@Res() response: OwnResponse): Promise<void> {
    this.#model.calls += 1;
    await this.#model.opened();
    const raw = takeOver(response);
    raw.writeHead(200, ['content-encoding', 'gzip', 'content-type', 'text/plain']);
    raw.end(gzipSync('whole answer'));
  }

  @Post('writes-header-list')
  writesHeaderList(@Body() headers: (string | string[])[], @Res() response: OwnResponse): void {
    const raw = takeOver(response);
    Reflect.apply(raw.writeHead.bind(raw), raw, [200, headers]);
    raw.end(`call ${(this.#model.calls += 1)}`);
  }

  @Post('host')
  host(@Req() { hostname }: AnyRequest): object {
    return { hostname, call: (this.#model.calls += 1) };
  }

  /** Sets the headers that it is told to. */
  @Post('headers')
  headers(
    @Body() { headers }: { readonly headers: Readonly<Record<string, string | string[]>> },
    @Res({ passthrough: true }) response: AnyResponse,
  ): object {
    for (const [name, value] of Object.entries(headers)) response.header(name, value);
    return { call: (this.#model.calls += 1) };
  }

  @Post('decorated')
  @Header('Cache-Control', 'private, no-store')
  decorated(): object {
    return { call: (this.#model.calls += 1) };
  }

  @Post('accepted')
  accepted(@RequestHeaders('accept') accept: string): object {
    if (!accept.includes('text/event-stream')) return { json: true };
    return (async function* () {
      yield 'data: event\n\n';
    })();
  }

  @Post('hang/promise')
  async hangingPromise(): Promise<object> {
    return { call: await this.#model.call() };
  }

  @Post('hang/observable')
  hangingObservable(): Observable<object> {
    const answer = defer(async () => ({ call: await this.#model.call() }));
    return answer.pipe(finalize(() => void (this.#model.stopped += 1)));
  }

  @Sse('hang/events', { method: RequestMethod.POST })
  hangingEvents(): Observable<object> {
    return this.hangingObservable().pipe(map((data) => ({ data })));
  }

  @Post('hang/generator')
  async *hangingGenerator(): AsyncGenerator<string> {
    yield JSON.stringify({ call: await this.#model.call() });
  }

  @Post('hang/own-response')
  async hangingOwnResponse(@Res() response: OwnResponse): Promise<void> {
    const call = await this.#model.call();
    takeOver(response).end(JSON.stringify({ call }));
  }

  @Post('iterable/reusable')
  reusable(): AsyncIterable<string> {
    return REUSABLE;
  }

  @Post('iterable/frozen')
  frozen(): AsyncIterable<string> {
    return FROZEN;
  }

  @Post('v1/embeddings')
  embeddings(@Body() { input }: { readonly input: string }): object {
    const data = [{ object: 'embedding', index: 0, embedding: [1, input.length] }];
    return { object: 'list', model: 'm', data, usage: { prompt_tokens: 1, total_tokens: 1 } };
  }

  @Post('ok/v1/embeddings')
  embeddingsWith200(
    @Body() body: { readonly input: string },
    @Res({ passthrough: true }) response: AnyResponse,
  ): object {
    response.status(200);
    return this.embeddings(body);
  }
}

async function* words(): AsyncGenerator<string> {
  yield 'a';
  yield 'b';
}

const REUSABLE: AsyncIterable<string> = { [Symbol.asyncIterator]: words };
const FROZEN: AsyncIterable<string> = Object.freeze({ [Symbol.asyncIterator]: words });

class Account {
  constructor(
    readonly name: string,
    readonly secret: string,
  ) {}
}

/** As `ClassSerializerInterceptor` hides what is `@Exclude()`d: only in instances. */
function withoutSecrets(value: unknown): unknown {
  if (value instanceof Account) return { name: value.name };
  if (isAsyncIterable(value)) return eachWithoutSecrets(value);
  const isEvent = typeof value === 'object' && value !== null && 'data' in value;
  return isEvent ? { ...value, data: withoutSecrets(value.data) } : value;
}

async function* eachWithoutSecrets(items: AsyncIterable<unknown>): AsyncGenerator {
  for await (const item of items) yield withoutSecrets(item);
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

@Injectable()
class Hiding implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map(withoutSecrets));
  }
}

@Controller('accounts')
@UseInterceptors(Hiding, LlmCacheInterceptor)
class AccountController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Sse('events', { method: RequestMethod.POST })
  events(): Observable<object> {
    return this.#model.later<object>({ data: 'first' }, { data: new Account('ada', 'TOPSECRET') });
  }

  @Post('generator')
  async *generator(): AsyncGenerator<object> {
    yield { name: 'first' };
    await this.#model.opened();
    yield new Account('ada', 'TOPSECRET');
  }
}

const requestId = new AsyncLocalStorage<string>();

@Injectable()
class InRequest implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined> }>();
    return requestId.run(headers['x-request-id'] ?? 'none', () => next.handle());
  }
}

@Controller('context')
@UseInterceptors(InRequest, LlmCacheInterceptor)
class ContextController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post()
  async *generator(): AsyncGenerator<string> {
    this.#model.calls += 1;
    for (let piece = 0; piece < PIECES; piece += 1) {
      this.#model.requests.push(requestId.getStore());
      yield `${piece} `;
      await this.#model.opened();
    }
  }
}

const PIECES = 4;

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

describe.each(PLATFORMS)('around the cache on %s', (platform) => {
  const start = (llm: LlmCacheOptions = {}): Promise<CachedApp> =>
    startCachedApp(azure, {
      platform,
      cache: { namespace: `around-${platform}`, llm },
      controllers: [AnswerController, AccountController, ContextController],
      providers: [Model, Hiding, InRequest],
    });

  let cached: CachedApp;
  let model: Model;
  beforeAll(async () => {
    cached = await start();
  }, 30_000);
  afterAll(() => cached.app.close());
  beforeEach(async () => {
    model = cached.app.get(Model);
    Object.assign(model, { calls: 0, stopped: 0, isOpen: true, hanging: 0, requests: [] });
    await emptyRedis(cached.redis);
  });

  /** For one test, with options of the module. */
  async function startOwnApp(llm: LlmCacheOptions): Promise<CachedApp> {
    const own = await start(llm);
    onTestFinished(() => own.app.close());
    model = own.app.get(Model);
    return own;
  }

  /** A caller who will not wait for the end of the answer. */
  function impatient(
    { url }: CachedApp,
    path: string,
    headers: Record<string, string> = {},
  ): { leave(): Promise<void> } {
    const controller = new AbortController();
    const gone = fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
      signal: controller.signal,
    })
      .then((response) => response.text())
      .catch(() => 'gone');
    return {
      leave: async () => {
        controller.abort();
        expect(await gone).toBe('gone');
      },
    };
  }

  const followers = (count: number, { cache }: CachedApp, before: number): Promise<void> =>
    eventually('they follow', () => cache.stats.collapsed - before === count);

  describe('an answer that was stopped is not stored', () => {
    it('an Observable between its progress and its answer', async () => {
      const own = await startOwnApp({ onDisconnect: 'abort' });
      model.isOpen = false;
      const caller = impatient(own, 'progress');
      await eventually('it has begun', () => model.calls === 1);
      await caller.leave();
      await eventually('it is stopped', () => model.stopped === 1);
      model.isOpen = true;
      expect(await own.post('progress', {})).toMatchObject({
        cache: 'MISS',
        text: '{"done":true}',
      });
    });

    it('events that both of their callers have left', async () => {
      const own = await startOwnApp({ onDisconnect: 'abort' });
      model.isOpen = false;
      const first = impatient(own, 'events');
      await eventually('it has begun', () => model.calls === 1);
      const second = impatient(own, 'events');
      await followers(1, own, 0);
      await first.leave();
      expect(model.stopped).toBe(0);
      await second.leave();
      await eventually('it is stopped', () => model.stopped === 1);
      model.isOpen = true;
      expect((await own.post('events', {})).text).toMatch(/data: one\n[^]*data: two\n/);
      expect(model.calls).toBe(2);
    });

    it.each(['events-until-gone', 'generator-until-gone'])(
      'by its handler, as its caller has left: %s',
      async (path) => {
        model.isOpen = false;
        const caller = impatient(cached, path);
        await eventually('it has begun', () => model.calls === 1);
        await sleep(20);
        await caller.leave();
        await eventually('it is stopped', () => model.stopped === 1);
        model.isOpen = true;
        expect((await cached.post(path, {})).text).toContain('two');
        expect(model.calls).toBe(2);
      },
    );
  });

  describe('a handler that writes to @Res()', () => {
    it('and throws: what it wrote is not stored', async () => {
      for (let call = 1; call <= 2; call += 1) {
        expect((await cached.post('writes-and-throws', {})).text).toContain('half an ans');
        expect(model.calls).toBe(call);
      }
      expect(await cached.entries()).toEqual([]);
    });

    it('and throws before: the answer of the exception filter is not stored', async () => {
      for (let sorry = 1; sorry <= 2; sorry += 1) {
        const { status, text } = await cached.post('throws-at-once', {});
        expect({ status, text }).toEqual({ status: 200, text: JSON.stringify({ sorry }) });
      }
      expect(await cached.entries()).toEqual([]);
    });

    it('in an encoding: all can decode it, and it is not stored', async () => {
      model.isOpen = false;
      const asked = Array.from({ length: 3 }, () => cached.post('writes-gzip', {}));
      await eventually('one leads', () => model.calls === 1);
      model.isOpen = true;
      const answers = [...(await Promise.all(asked)), await cached.post('writes-gzip', {})];
      expect(answers.map(({ text }) => text)).toEqual(Array(4).fill('whole answer'));
      expect(model.calls).toBe(4);
      expect(await cached.entries()).toEqual([]);
    });
  });

  it.each([
    [['vary', 'Accept-Language', 'vary', 'Origin']],
    [['x-many', ['a', 'b'], 'cache-control', 'no-store']],
  ])('what a handler writes with a list of headers is heeded: %j', async (headers) => {
    for (const call of [1, 2]) {
      const { text } = await cached.post('writes-header-list', headers);
      expect(text).toBe(`call ${call}`);
    }
    expect(await cached.entries()).toEqual([]);
  });

  it.each(['events', 'generator'])(
    'an interceptor around the cache hides members of instances from all callers: %s',
    async (kind) => {
      const path = `accounts/${kind}`;
      const { collapsed } = cached.cache.stats;
      model.isOpen = false;
      const asked = [cached.post(path, {}), cached.post(path, {})];
      await followers(1, cached, collapsed);
      model.isOpen = true;
      const answers = [...(await Promise.all(asked)), await cached.post(path, {})];
      for (const { text } of answers) {
        expect(text).toContain('ada');
        expect(text).not.toContain('TOPSECRET');
      }
      expect(await cached.entries()).toEqual([]);
    },
  );

  describe('callers are told apart', () => {
    async function askHost(host: string): Promise<string> {
      const headers = { host, 'content-type': 'application/json' };
      const request = httpRequest(`${cached.url}/host`, { method: 'POST', headers });
      const response = once(request, 'response');
      request.end('{}');
      const text = await textOf((await response)[0]);
      await cached.redis.ping();
      return text;
    }

    it.each([
      ['acme.example', 'globex.example'],
      ['acme.example:1', 'acme.example:2'],
    ])('by the Host header: %s and %s', async (one, another) => {
      const text = await askHost(one);
      expect(await askHost(another)).not.toBe(text);
      expect(await askHost(one)).toBe(text);
      expect(model.calls).toBe(2);
    });

    it('by the subscription key of Azure API Management', async () => {
      const ask = async (key: string) =>
        (await cached.post('host', {}, { 'ocp-apim-subscription-key': key })).cache;
      expect(await ask('alice')).toBe('MISS');
      expect(await ask('bob')).toBe('MISS');
      expect(await ask('alice')).toBe('HIT');
    });

    it('by whether they accept events', async () => {
      const ask = (accept: string) => cached.post('accepted', {}, { accept });
      expect((await ask('application/json')).text).toBe('{"json":true}');
      expect((await ask('text/event-stream')).text).toBe('data: event\n\n');
      expect(await ask('application/json')).toMatchObject({ cache: 'HIT', text: '{"json":true}' });
      expect(await ask('text/event-stream')).toMatchObject({
        cache: 'HIT',
        text: 'data: event\n\n',
      });
    });
  });

  describe('response headers of a handler', () => {
    it.each([
      ['vary', 'Accept-Language'],
      ['vary', 'Origin, Accept-Language'],
      ['vary', ['Origin', 'Accept-Language']],
      ['vary', '*'],
      ['cache-control', 'no-store'],
    ])('that forbid to store its answer: %s: %j', async (name, value) => {
      for (let call = 1; call <= 2; call += 1) {
        const answer = await cached.post('headers', { headers: { [name]: value } });
        expect(answer).toMatchObject({
          cacheStatus: 'LlmCache; fwd=miss; detail=forbidden',
          text: JSON.stringify({ call }),
        });
      }
      expect(await cached.entries()).toEqual([]);
    });

    it('that forbid to store it, by a decorator', async () => {
      const answer = await cached.post('decorated', {});
      expect(answer.cacheStatus).toBe('LlmCache; fwd=miss; detail=forbidden');
      expect(await cached.entries()).toEqual([]);
    });

    it('that are harmless: Vary: Origin', async () => {
      const body = { headers: { vary: 'Origin' } };
      expect((await cached.post('headers', body)).cache).toBe('MISS');
      expect((await cached.post('headers', body)).cache).toBe('HIT');
    });
  });

  describe('a call that hangs, and that its caller has given up', () => {
    it.each(['promise', 'observable', 'events', 'generator', 'own-response'])(
      'keeps nobody else from the handler: %s',
      async (kind) => {
        model.hanging = 1;
        const caller = impatient(cached, `hang/${kind}`);
        await eventually('it hangs', () => model.calls === 1);
        await caller.leave();
        await sleep(50);
        const retry = await cached.post(`hang/${kind}`, {});
        expect(retry.text).toContain('{"call":2}');
        expect(retry.tookMs).toBeLessThan(1_000);
      },
    );

    it.each(['observable', 'events'])('is stopped after drainDeadlineMs: %s', async (kind) => {
      const own = await startOwnApp({ drainDeadlineMs: 100 });
      model.hanging = 1;
      const caller = impatient(own, `hang/${kind}`);
      await eventually('it hangs', () => model.calls === 1);
      await caller.leave();
      await eventually('it is stopped', () => model.stopped === 1, 2_000);
    });
  });

  describe('a generator runs in the context of its own request', () => {
    it('although somebody else reads', async () => {
      const { collapsed } = cached.cache.stats;
      model.isOpen = false;
      const first = impatient(cached, 'context', { 'x-request-id': 'r1' });
      await eventually('it has begun', () => model.calls === 1);
      const second = cached.post('context', {}, { 'x-request-id': 'r2' });
      await followers(1, cached, collapsed);
      await first.leave();
      model.isOpen = true;
      expect((await second).text).toBe('0 1 2 3 ');
      expect(model.requests).toEqual(Array(PIECES).fill('r1'));
    });

    it('although nobody is left', async () => {
      model.isOpen = false;
      const caller = impatient(cached, 'context', { 'x-request-id': 'r1' });
      await eventually('it has begun', () => model.calls === 1);
      await sleep(20);
      await caller.leave();
      model.isOpen = true;
      await eventually('it is completed', () => model.requests.length === PIECES);
      expect(model.requests).toEqual(Array(PIECES).fill('r1'));
    });
  });

  it.each(['reusable', 'frozen'])('an iterable may be returned again: %s', async (kind) => {
    for (const question of [1, 2]) {
      const answer = await cached.post(`iterable/${kind}`, { question });
      expect(answer).toMatchObject({ status: 201, cache: 'MISS', text: 'ab' });
    }
  });

  it.each([
    ['v1/embeddings', 201],
    ['ok/v1/embeddings', 200],
  ])('embeddings have the same status on a hit as on a miss: %s', async (path, status) => {
    const body = { model: 'm', input: 'x' };
    const miss = await cached.post(path, body);
    expect(miss).toMatchObject({ cache: 'MISS', status });
    expect(await cached.post(path, body)).toMatchObject({ cache: 'HIT', status });
  });
});
