import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { LlmCacheFetchOptions, LlmCacheService } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { eventually } from '../../fixtures/eventually.js';

const CHAT = '/v1/chat/completions';
const PIECES = 4;
/** Not in ASCII, to be cut in the middle of a character. */
const WORD = 'naïve 🙂 ';

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

/** A model server; how it answers is told by the model that is asked for. */
class Upstream {
  received: Received[] = [];
  /** Pieces of an answer that may be sent. */
  open = PIECES;
  /** Answers whose connection was closed before their end. */
  closed = 0;
  readonly #server: Server;
  readonly #answering = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answering.add(response);
      response.once('close', () => {
        this.#answering.delete(response);
        if (!response.writableFinished) this.closed += 1;
      });
      void textOf(request).then((body) => {
        const { method = '', url: path = '', headers } = request;
        this.received.push({ method, path, headers, body });
        return this.#answer(path, body, response);
      });
    });
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('Not listening.');
    return `http://127.0.0.1:${address.port}`;
  }

  get calls(): number {
    return this.received.length;
  }

  reset(): void {
    Object.assign(this, { received: [], open: PIECES, closed: 0 });
  }

  /** Breaks the connections of all answers that are under way. */
  cut(): void {
    for (const response of this.#answering) response.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #answer(path: string, body: string, response: ServerResponse): Promise<void> {
    const call = this.calls;
    response.setHeader('x-request-id', `request-${call}`);
    response.setHeader('x-ratelimit-remaining-tokens', `${1_000 - call}`);
    const asked: unknown = path === CHAT ? parsed(body) : undefined;
    const { model, stream } = Object.assign({ model: '', stream: false }, asked);
    const completion = JSON.stringify(completionOf(call));
    if (stream && model === 'chat') return this.#stream(call, response);
    switch (model) {
      case 'broken':
        return sendJson(response, 500, '{"error":{"message":"oh no"}}');
      case 'limited':
        response.setHeader('retry-after', '7');
        return sendJson(response, 429, `{"error":{"message":"slow down ${call}"}}`);
      case 'cut':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1_000 });
        response.write(completion);
        await sleep(20);
        response.destroy();
        return;
      case 'gzip':
        return sendGzip(response, completion);
      case 'slow':
        response.writeHead(200, { 'content-type': 'application/json' });
        await this.#opened(1);
        response.end(completion);
        return;
      case 'redirecting':
        response.writeHead(307, { location: '/elsewhere' });
        response.end();
        return;
      case 'chat':
        return sendJson(response, 200, completion);
      default:
        response.writeHead(200, { 'content-type': 'text/plain' });
        response.end(`call ${call}: ${body}`);
    }
  }

  async #stream(call: number, response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    for (let piece = 0; piece < PIECES; piece += 1) {
      await this.#opened(piece + 1);
      const bytes = Buffer.from(eventOf(call, { content: `${WORD}${piece} of ${call}` }));
      // In the middle of the emoji.
      const middle = bytes.indexOf('🙂') + 2;
      response.write(bytes.subarray(0, middle));
      await sleep(5);
      response.write(bytes.subarray(middle));
      await sleep(5);
    }
    response.write(eventOf(call, {}, 'stop'));
    response.end('data: [DONE]\n\n');
  }

  async #opened(pieces: number): Promise<void> {
    while (this.open < pieces) await sleep(5);
  }
}

function parsed(text: string): object {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? value : {};
}

function completionOf(call: number): object {
  const message = { role: 'assistant', content: `${WORD}${call}` };
  return {
    id: `chatcmpl-${call}`,
    object: 'chat.completion',
    created: 1_700_000_000 + call,
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  };
}

function eventOf(call: number, delta: object, finishReason: string | null = null): string {
  const chunk = {
    id: `chatcmpl-${call}`,
    object: 'chat.completion.chunk',
    created: 1_700_000_000 + call,
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function sendJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function sendGzip(response: ServerResponse, text: string): void {
  const bytes = gzipSync(text);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-encoding': 'gzip',
    'content-length': bytes.length,
  });
  response.end(bytes);
}

const withoutPersonal = (text: string): string =>
  text.replaceAll(/"id":"[^"]*"/g, '"id":""').replaceAll(/"created":\d+/g, '"created":0');

const idOf = (text: string): string => /"id":"([^"]*)"/.exec(text)?.[1] ?? '';

let azure: LocalAzure;
let cached: CachedApp;
let cache: LlmCacheService;
let upstream: Upstream;

beforeAll(async () => {
  azure = await startLocalAzure();
  cached = await startCachedApp(azure);
  cache = cached.cache;
  upstream = await Upstream.start();
}, 60_000);
afterAll(async () => {
  await cached.app.close();
  await upstream.stop();
  await azure.stop();
});
beforeEach(async () => {
  upstream.reset();
  await emptyRedis(cached.redis);
});

/** A body that nobody has asked before. */
let asked = 0;
const newQuestion = (more: object = {}): object => ({
  model: 'chat',
  messages: [{ role: 'user', content: `question ${(asked += 1)}` }],
  ...more,
});

const JSON_TYPE = { 'content-type': 'application/json' };

function post(body: object, more: RequestInit = {}): RequestInit {
  const headers = { ...JSON_TYPE, ...Object.fromEntries(new Headers(more.headers)) };
  return { ...more, method: 'POST', headers, body: JSON.stringify(body) };
}

/** Asks, and reads the answer to its end. */
const ask = (
  body: object,
  more: RequestInit = {},
  through: typeof fetch = cache.fetch,
): Promise<ReadAnswer> => cached.read(through(upstream.url + CHAT, post(body, more)));

const askWith = (options: LlmCacheFetchOptions, body: object, more: RequestInit = {}) =>
  ask(body, more, cache.createFetch(options));

/** The pieces of a body as a client reads them. */
async function piecesOf(response: Response): Promise<string[]> {
  const pieces: string[] = [];
  for await (const bytes of response.body ?? []) pieces.push(Buffer.from(bytes).toString());
  return pieces;
}

describe('a cached fetch', () => {
  it('asks the upstream once, and answers from the cache then', async () => {
    const question = newQuestion();
    const first = await ask(question);
    const hit = await ask(question);
    expect(upstream.calls).toBe(1);
    expect(first).toMatchObject({
      status: 200,
      cache: 'MISS',
      cacheStatus: expect.stringMatching(/^LlmCache; fwd=miss/),
    });
    expect(first.headers.get('age')).toBeNull();
    expect(hit).toMatchObject({
      status: 200,
      cache: 'HIT',
      cacheStatus: expect.stringMatching(/^LlmCache; hit; ttl=\d+$/),
    });
    expect(hit.headers.get('age')).toMatch(/^[0-9]$/);
    expect(hit.headers.get('content-type')).toBe('application/json');
    expect(withoutPersonal(hit.text)).toBe(withoutPersonal(first.text));
  });

  it('sends what the caller sends', async () => {
    const question = newQuestion();
    await ask(question, { headers: { authorization: 'Bearer key', 'x-stainless-lang': 'js' } });
    expect(upstream.received).toEqual([
      {
        method: 'POST',
        path: CHAT,
        headers: expect.objectContaining({
          authorization: 'Bearer key',
          'x-stainless-lang': 'js',
          ...JSON_TYPE,
        }),
        body: JSON.stringify(question),
      },
    ]);
  });

  it('passes on all headers of the upstream on a miss, and none of the first caller on a hit', async () => {
    const question = newQuestion();
    const first = await ask(question);
    const hit = await ask(question);
    expect(first.headers.get('x-request-id')).toBe('request-1');
    expect(first.headers.get('x-ratelimit-remaining-tokens')).toBe('999');
    expect(hit.headers.get('x-request-id')).toBeNull();
    expect(hit.headers.get('x-ratelimit-remaining-tokens')).toBeNull();
  });

  it('gives each hit an id and a time of its own', async () => {
    const question = newQuestion();
    const answers = [await ask(question), await ask(question), await ask(question)];
    const ids = answers.map(({ text }) => idOf(text));
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/^chatcmpl-\w+$/)));
    expect(new Set(ids).size).toBe(3);
    expect(JSON.parse(answers[2]?.text ?? '').created).toBeGreaterThan(1_700_000_100);
  });

  it.each([false, true])('verbatim: the answer as it was recorded, stream: %s', async (stream) => {
    const question = newQuestion({ stream });
    const first = await ask(question);
    expect(await askWith({ verbatim: true }, question)).toMatchObject({
      cache: 'HIT',
      text: first.text,
    });
  });

  it('replays a stream event by event, the same but for id and time', async () => {
    const question = newQuestion({ stream: true });
    const first = await ask(question);
    const hit = await cache.fetch(upstream.url + CHAT, post(question));
    expect(hit.headers.get('x-cache')).toBe('HIT');
    expect(hit.headers.get('content-type')).toBe('text/event-stream');
    const pieces = await piecesOf(hit);
    expect(pieces).toHaveLength(PIECES + 2);
    expect(pieces).toEqual(pieces.map(() => expect.stringMatching(/^data: .*\n\n$/)));
    expect(withoutPersonal(pieces.join(''))).toBe(withoutPersonal(first.text));
    const ids = new Set(pieces.slice(0, -1).map(idOf));
    expect(ids.size).toBe(1);
    expect(ids).not.toContain('chatcmpl-1');
    expect(upstream.calls).toBe(1);
  });

  it('passes a stream on as it comes', async () => {
    upstream.open = 1;
    const response = await cache.fetch(upstream.url + CHAT, post(newQuestion({ stream: true })));
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let received = '';
    while (!received.includes('0 of 1')) received += (await reader?.read())?.value ?? '';
    expect(received).not.toContain('1 of 1');
    upstream.open = PIECES;
    while (!received.includes('[DONE]')) received += (await reader?.read())?.value ?? '';
  });

  it('paces a hit as it is told', async () => {
    const question = newQuestion({ stream: true });
    await ask(question);
    const paced = await askWith({ pacing: { tokensPerSecond: 10 } }, question);
    expect(paced.cache).toBe('HIT');
    expect(paced.tookMs).toBeGreaterThan((PIECES + 1) * 90);
    const instant = await askWith({ pacing: 'instant' }, question);
    expect(instant.tookMs).toBeLessThan((PIECES + 1) * 70);
  });

  it('never answers a request for a stream with JSON, nor the reverse', async () => {
    const question = newQuestion();
    const json = await ask(question);
    const stream = await ask({ ...question, stream: true });
    expect([json.cache, stream.cache]).toEqual(['MISS', 'MISS']);
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
  });

  it('decodes what the upstream has compressed, on a miss and on a hit', async () => {
    const question = newQuestion({ model: 'gzip' });
    for (const expected of ['MISS', 'HIT']) {
      const { cache: outcome, text, headers } = await ask(question);
      expect(outcome).toBe(expected);
      expect(JSON.parse(text).choices[0].message.content).toBe(`${WORD}1`);
      expect(headers.get('content-encoding')).toBeNull();
      expect(headers.get('content-length')).toBeNull();
    }
  });

  it.each(['URL', 'string', 'Request', 'Request and init'])('takes a %s', async (kind) => {
    const question = newQuestion();
    const url = upstream.url + CHAT;
    const init = post(question, { headers: { authorization: kind } });
    const call = (): Promise<Response> => {
      switch (kind) {
        case 'URL':
          return cache.fetch(new URL(url), init);
        case 'Request':
          return cache.fetch(new Request(url, init));
        case 'Request and init':
          return cache.fetch(new Request(url, post(newQuestion())), init);
        default:
          return cache.fetch(url, init);
      }
    };
    const first = await cached.read(call());
    const hit = await cached.read(call());
    expect([first.cache, hit.cache]).toEqual(['MISS', 'HIT']);
    expect(upstream.received).toEqual([
      expect.objectContaining({
        method: 'POST',
        body: JSON.stringify(question),
        headers: expect.objectContaining({ authorization: kind }),
      }),
    ]);
  });

  it('takes a body of bytes', async () => {
    const question = newQuestion();
    const init = { ...post(question), body: new TextEncoder().encode(JSON.stringify(question)) };
    const first = await cached.read(cache.fetch(upstream.url + CHAT, init));
    expect([first.cache, (await ask(question)).cache]).toEqual(['MISS', 'HIT']);
  });

  it('keeps what a Request says of redirects', async () => {
    const request = new Request(
      upstream.url + CHAT,
      post(newQuestion({ model: 'redirecting' }), { redirect: 'manual' }),
    );
    const { status } = await cache.fetch(request);
    expect(status).toBe(307);
    expect(upstream.calls).toBe(1);
  });

  it('asks by the fetch it is given', async () => {
    const question = newQuestion();
    const urls: string[] = [];
    const own: typeof fetch = (input, init) => {
      urls.push(input instanceof Request ? input.url : String(input));
      return fetch(input, init);
    };
    expect((await askWith({ fetch: own }, question)).cache).toBe('MISS');
    expect((await askWith({ fetch: own }, question)).cache).toBe('HIT');
    expect(urls).toEqual([upstream.url + CHAT]);
  });

  it('throws what the upstream throws, each time', async () => {
    const failure = new TypeError('fetch failed');
    const failing = cache.createFetch({ fetch: () => Promise.reject(failure) });
    const question = newQuestion();
    for (let round = 1; round <= 2; round += 1) {
      await expect(failing(upstream.url + CHAT, post(question))).rejects.toBe(failure);
    }
  });
});

describe('what is no POST with a JSON body goes to the upstream untouched', () => {
  const form = new FormData();
  form.append('file', new Blob(['content']), 'name.txt');
  form.append('model', 'whisper');

  it.each<[what: string, init: RequestInit, received: RegExp]>([
    ['GET', {}, /^$/],
    ['DELETE', { method: 'DELETE' }, /^$/],
    ['text', { method: 'POST', body: '{"a":1}' }, /^\{"a":1\}$/],
    ['no JSON', { method: 'POST', headers: JSON_TYPE, body: '{"a":' }, /^\{"a":$/],
    ['a form', { method: 'POST', body: form }, /name="file"; filename="name\.txt"[^]*whisper/],
    ['a Blob', { method: 'POST', headers: JSON_TYPE, body: new Blob(['{"a":1}']) }, /^\{"a":1\}$/],
  ])('%s', async (_what, init, received) => {
    for (let round = 1; round <= 2; round += 1) {
      const answer = await cached.read(cache.fetch(`${upstream.url}/files?a=1`, init));
      expect(answer).toMatchObject({ status: 200, cache: null, cacheStatus: null });
      expect(answer.text).toMatch(new RegExp(`^call ${round}: `));
    }
    expect(upstream.received).toEqual(
      [1, 2].map(() =>
        expect.objectContaining({
          method: init.method ?? 'GET',
          path: '/files?a=1',
          body: expect.stringMatching(received),
        }),
      ),
    );
    expect(await cached.entries()).toEqual([]);
  });

  it.each(['text/plain', 'application/json'])('a Request, with its body: %s', async (type) => {
    const request = new Request(`${upstream.url}/files`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: 'no JSON',
    });
    expect((await cached.read(cache.fetch(request))).text).toBe('call 1: no JSON');
  });
});

describe('at the same time', () => {
  it.each([false, true])(
    'identical requests are one for the upstream, stream: %s',
    async (stream) => {
      const question = newQuestion({ stream });
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(question)));
      expect(upstream.calls).toBe(1);
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers.filter(({ cacheStatus }) => cacheStatus?.includes('collapsed'))).toHaveLength(
        19,
      );
    },
  );

  it.each([
    ['a stream', { stream: true }, '[DONE]', 1],
    ['an answer', {}, 'finish_reason', 1],
    ['an error', { model: 'limited' }, 'slow down', 2],
  ])('who has not begun to read %s holds up nobody', { timeout: 4_000 }, async (...row) => {
    const [, more, end, calls] = row;
    const question = newQuestion(more);
    const first = await cache.fetch(upstream.url + CHAT, post(question));
    const second = await cache.fetch(upstream.url + CHAT, post(question));
    for (const response of [first, second]) expect(await response.text()).toContain(end);
    expect(upstream.calls).toBe(calls);
  });

  it.each(['first', 'second'])('an abort of the %s caller harms no other', async (who) => {
    const question = newQuestion({ model: 'slow' });
    upstream.open = 0;
    const reason = new Error('I do not want it any more.');
    const controller = new AbortController();
    const { signal } = controller;
    const leaves = who === 'first' ? [{ signal }, {}] : [{}, { signal }];
    const calls = leaves.map((init) => ask(question, init));
    const [leaving, staying] = who === 'first' ? calls : calls.toReversed();
    await eventually('the upstream is asked', () => upstream.calls === 1);
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    upstream.open = PIECES;
    expect((await staying)?.text).toContain(WORD);
    expect(upstream.calls).toBe(1);
    expect(upstream.closed).toBe(0);
    expect((await ask(question)).cache).toBe('HIT');
  });

  it('a time limit rejects as it does without the cache', async () => {
    upstream.open = 0;
    const signal = AbortSignal.timeout(50);
    const failure: unknown = await ask(newQuestion({ model: 'slow' }), { signal }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBe(signal.reason);
    expect(failure).toHaveProperty('name', 'TimeoutError');
    upstream.open = PIECES;
  });

  it('an abort within a body ends that one alone, with its own reason', async () => {
    const question = newQuestion({ stream: true });
    upstream.open = 2;
    const reason = new Error('enough');
    const controller = new AbortController();
    const { signal } = controller;
    const left = ask(question, { signal });
    const stayed = ask(question);
    await eventually('the upstream is asked', () => upstream.calls === 1);
    await sleep(100);
    controller.abort(reason);
    await expect(left).rejects.toBe(reason);
    upstream.open = PIECES;
    expect((await stayed).text).toMatch(/\[DONE\]\n\n$/);
    expect(upstream.calls).toBe(1);
    expect((await ask(question)).cache).toBe('HIT');
  });

  it('an abort within the body of a hit ends it, with its own reason', async () => {
    const question = newQuestion({ stream: true });
    await ask(question);
    const reason = new Error('enough');
    const controller = new AbortController();
    const paced = cache.createFetch({ pacing: { tokensPerSecond: 2 } });
    const { signal } = controller;
    const response = await paced(upstream.url + CHAT, post(question, { signal }));
    const text = response.text();
    controller.abort(reason);
    await expect(text).rejects.toBe(reason);
    expect((await ask(question)).cache).toBe('HIT');
  });

  describe('an abort leaves no rejection that nobody handles', () => {
    let unhandled: unknown[];
    beforeEach(() => {
      unhandled = [];
      const collect = (reason: unknown): void => void unhandled.push(reason);
      process.on('unhandledRejection', collect);
      onTestFinished(() => void process.off('unhandledRejection', collect));
    });

    it('before the call, which nobody makes then', async () => {
      const calls: unknown[] = [];
      const failing = cache.createFetch({
        fetch: (input) => {
          calls.push(input);
          return Promise.reject(new TypeError('fetch failed'));
        },
      });
      const reason = new Error('before it began');
      const init = post(newQuestion(), { signal: AbortSignal.abort(reason) });
      await expect(failing(upstream.url + CHAT, init)).rejects.toBe(reason);
      await sleep(100);
      expect({ unhandled, calls }).toEqual({ unhandled: [], calls: [] });
    });

    it('while the upstream is asked, which fails later', async () => {
      const reason = new Error('meanwhile');
      const controller = new AbortController();
      const { signal } = controller;
      const failing = cache.createFetch({
        fetch: async () => {
          controller.abort(reason);
          await sleep(20);
          throw new TypeError('fetch failed');
        },
      });
      const call = failing(upstream.url + CHAT, post(newQuestion(), { signal }));
      await expect(call).rejects.toBe(reason);
      await sleep(100);
      expect(unhandled).toEqual([]);
    });

    it('between two pieces, when the upstream breaks off later', async () => {
      upstream.open = 1;
      const reason = new Error('between');
      const controller = new AbortController();
      const { signal } = controller;
      const init = post(newQuestion({ stream: true }), { signal });
      const response = await cache.fetch(upstream.url + CHAT, init);
      const reader = response.body?.getReader();
      await reader?.read();
      controller.abort(reason);
      await sleep(50);
      upstream.cut();
      await sleep(50);
      await expect(reader?.read()).rejects.toBe(reason);
      await sleep(50);
      expect(unhandled).toEqual([]);
    });
  });
});

describe('a failure', () => {
  it.each([
    ['broken', 500, 'Internal Server Error', null],
    ['limited', 429, 'Too Many Requests', '7'],
  ])('is passed on untouched and not stored: %s', async (model, status, statusText, retryAfter) => {
    const question = newQuestion({ model });
    const init = post(question);
    for (let call = 1; call <= 2; call += 1) {
      const response = await cache.fetch(upstream.url + CHAT, init);
      expect(response).toMatchObject({ status, statusText, ok: false });
      expect(response.url).toBe(upstream.url + CHAT);
      expect(response.headers.get('x-request-id')).toBe(`request-${call}`);
      expect(response.headers.get('retry-after')).toBe(retryAfter);
      expect(JSON.parse((await cached.read(response)).text)).toHaveProperty('error.message');
    }
    expect(await cached.entries()).toEqual([]);
  });

  it('of one caller at the same time is that of all, each from the upstream', async () => {
    const question = newQuestion({ model: 'limited' });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(question)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 429));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(upstream.calls);
  });

  it('in the middle of a body reaches the caller, and is not stored', async () => {
    const question = newQuestion({ model: 'cut' });
    for (let round = 1; round <= 2; round += 1) {
      const response = await cache.fetch(upstream.url + CHAT, post(question));
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow('terminated');
    }
    expect(upstream.calls).toBe(2);
    expect(await cached.entries()).toEqual([]);
  });

  it('in the middle of a stream reaches all its callers, and is not stored', async () => {
    const question = newQuestion({ stream: true });
    upstream.open = 2;
    const texts = Promise.allSettled([ask(question), ask(question)]);
    await eventually('the upstream is asked', () => upstream.calls === 1);
    await sleep(100);
    upstream.cut();
    expect((await texts).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    upstream.open = PIECES;
    expect((await ask(question)).text).toContain('[DONE]');
    expect(upstream.calls).toBe(2);
  });
});

describe('who shares', () => {
  const as = (authorization: string): RequestInit => ({ headers: { authorization } });

  it('are those who send the same credentials, and nobody else', async () => {
    const question = newQuestion();
    expect((await ask(question, as('alice'))).cache).toBe('MISS');
    expect((await ask(question, as('bob'))).cache).toBe('MISS');
    expect((await ask(question)).cache).toBe('MISS');
    expect((await ask(question, as('alice'))).cache).toBe('HIT');
    expect(upstream.calls).toBe(3);
  });

  it('are not those who ask at the same time with other credentials', async () => {
    const question = newQuestion();
    const answers = await Promise.all(['alice', 'bob'].map((name) => ask(question, as(name))));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(2);
  });

  it('are those of one scope, whatever they send', async () => {
    const question = newQuestion();
    expect((await askWith({ scope: 't1' }, question, as('alice'))).cache).toBe('MISS');
    expect((await askWith({ scope: 't1' }, question, as('bob'))).cache).toBe('HIT');
    expect((await askWith({ scope: async () => 't1' }, question)).cache).toBe('HIT');
    expect((await askWith({ scope: 't2' }, question, as('alice'))).cache).toBe('MISS');
    expect((await askWith({ scope: 'public' }, question, as('alice'))).cache).toBe('MISS');
    expect((await askWith({ scope: 'public' }, question)).cache).toBe('HIT');
    expect((await ask(question, as('alice'))).cache).toBe('MISS');
  });

  it('is nobody under another URL', async () => {
    const question = newQuestion();
    await ask(question);
    const other = await cached.read(cache.fetch(`${upstream.url}${CHAT}?v=2`, post(question)));
    expect(other.cache).not.toBe('HIT');
  });

  it.each<[what: string, scope: () => string]>([
    ['is empty', () => ''],
    ['is null', () => JSON.parse('null')],
    [
      'throws',
      () => {
        throw new Error('secret of the scope');
      },
    ],
  ])('is nobody where the scope %s: the upstream answers', async (_what, scope) => {
    const question = newQuestion();
    for (let call = 1; call <= 2; call += 1) {
      const answer = await askWith({ scope }, question);
      expect(answer).toMatchObject({ status: 200, cache: null });
      expect(idOf(answer.text)).toBe(`chatcmpl-${call}`);
    }
    expect(await cached.entries()).toEqual([]);
    expect(cached.logger.lines.join('\n')).not.toContain('secret of');
  });
});

describe('an entry', () => {
  it('lives as long as ttlMs says', async () => {
    await askWith({ ttlMs: 5_000 }, newQuestion());
    expect(await cached.lifetime()).toBeLessThanOrEqual(5_000);
    expect(await cached.lifetime()).toBeGreaterThan(1_000);
  });

  it('lives for a part of a millisecond more, as on a route', async () => {
    await askWith({ ttlMs: 5_000.5 }, newQuestion());
    expect(await cached.lifetime()).toBeLessThanOrEqual(5_001);
  });

  it('lives for an hour or a little less by default', async () => {
    await ask(newQuestion());
    expect(await cached.lifetime()).toBeLessThanOrEqual(3_600_000);
    expect(await cached.lifetime()).toBeGreaterThan(3_600_000 * 0.8 - 10_000);
  });

  it.each([false, true])('is no larger than maxEntryBytes, stream: %s', async (stream) => {
    const question = newQuestion({ stream });
    const small = cache.createFetch({ maxEntryBytes: 50 });
    const answers = [await ask(question, {}, small), await ask(question, {}, small)];
    for (const { text, cache: outcome } of answers) {
      expect(outcome).toBe('MISS');
      expect(text).toContain(stream ? '[DONE]' : 'finish_reason');
    }
    expect(upstream.calls).toBe(2);
    expect(await cached.entries()).toEqual([]);
  });

  it.each([false, true])('is what get() finds and delete() deletes, stream: %s', async (stream) => {
    const body = newQuestion({ stream });
    const headers = { ...JSON_TYPE, authorization: 'alice' };
    const request = { url: upstream.url + CHAT, headers, body };
    expect(await cache.get(request)).toBeUndefined();
    expect(await cache.delete(request)).toBe(false);
    const first = await ask(body, { headers });
    const found = await cache.get(request);
    expect(found?.status).toBe(200);
    expect(withoutPersonal((await found?.text()) ?? '')).toBe(withoutPersonal(first.text));
    expect(
      await cache.get({ ...request, headers: { ...headers, authorization: 'bob' } }),
    ).toBeUndefined();
    expect(await cache.delete(request)).toBe(true);
    expect(await cache.get(request)).toBeUndefined();
    expect((await ask(body, { headers })).cache).toBe('MISS');
  });

  it('is found without a word about its media type', async () => {
    const body = newQuestion();
    const request = { url: upstream.url + CHAT, body };
    await ask(body);
    expect((await cache.get(request))?.status).toBe(200);
    expect(await cache.delete(request)).toBe(true);
  });

  it('is not counted when get() looks for it', async () => {
    const before = cache.stats;
    await cache.get({ url: upstream.url + CHAT, body: newQuestion() });
    await cache.get({ url: upstream.url + CHAT, body: { seed: 2 ** 53 } });
    expect(cache.stats).toEqual(before);
  });

  it('is found by get() and delete() with the scope of its request alone', async () => {
    const body = newQuestion();
    const request = { url: upstream.url + CHAT, headers: JSON_TYPE, body };
    await askWith({ scope: 't1' }, body);
    expect(await cache.get(request)).toBeUndefined();
    expect(await cache.get({ ...request, scope: 't1' })).toBeDefined();
    expect(await cache.delete({ ...request, scope: 't2' })).toBe(false);
    expect(await cache.delete({ ...request, scope: 't1' })).toBe(true);
    expect(await cached.entries()).toEqual([]);
  });
});

describe('what a caller wishes', () => {
  it("does not reach the upstream as LiteLLM's body member", async () => {
    const own = await startCachedApp(azure, {
      cache: { namespace: 'wishes', llm: { clientControls: 'litellm' } },
    });
    onTestFinished(() => own.app.close());
    const question = newQuestion();
    const asking = { ...question, cache: { ttl: 60 } };
    await own.read(own.cache.fetch(upstream.url + CHAT, post(asking)));
    expect(upstream.received.map(({ body }) => body)).toEqual([JSON.stringify(question)]);
  });

  it('is an answer from the cache or none: 504', async () => {
    const own = await startCachedApp(azure, {
      cache: { namespace: 'wishes', llm: { clientControls: 'http' } },
    });
    onTestFinished(() => own.app.close());
    const question = newQuestion();
    const headers = { 'cache-control': 'only-if-cached' };
    const call = () => own.cache.fetch(upstream.url + CHAT, post(question, { headers }));
    expect((await call()).status).toBe(504);
    expect(upstream.calls).toBe(0);
    await own.read(own.cache.fetch(upstream.url + CHAT, post(question)));
    expect(await own.read(call())).toMatchObject({ status: 200, cache: 'HIT' });
  });
});

it('counts what it does', async () => {
  const own = await startCachedApp(azure, { cache: { namespace: 'counted' } });
  onTestFinished(() => own.app.close());
  const call = (body: object) => own.read(own.cache.fetch(upstream.url + CHAT, post(body)));
  const question = newQuestion();
  await Promise.all([call(question), call(question)]);
  await call(question);
  await call(newQuestion({ model: 'limited' }));
  await call(newQuestion({ seed: 2 ** 53 }));
  await own.read(own.cache.fetch(`${upstream.url}/files`));
  expect(own.cache.stats).toMatchObject({
    hits: 1,
    misses: 2,
    collapsed: 1,
    stored: 1,
    bypasses: { key: 1 },
    notStored: { status: 1 },
  });
});

it('answers while Redis is refused, and from the cache again afterwards', async () => {
  const own = await startCachedApp(azure, { cache: { namespace: 'refused', deadlineMs: 250 } });
  onTestFinished(() => own.app.close());
  const call = (body: object) => own.read(own.cache.fetch(upstream.url + CHAT, post(body)));
  const question = newQuestion();
  await call(question);
  try {
    azure.redis.refuse();
    azure.redis.kill('rst');
    for (let round = 1; round <= 3; round += 1) {
      const answer = await call(question);
      expect(answer).toMatchObject({ status: 200, cache: 'MISS' });
      expect(answer.tookMs).toBeLessThan(5_000);
    }
    const streamed = await call(newQuestion({ stream: true }));
    expect(streamed.text).toMatch(/\[DONE\]\n\n$/);
    // The other application of this file says the same, to the same logger.
    const warnings = new Set(own.logger.linesLike(/^warn/));
    expect(warnings.size).toBeGreaterThan(0);
    for (const warning of warnings) expect(warning).toMatch(/caching is paused/);
    expect(own.logger.lines.join('\n')).not.toMatch(/question|llm:v3:/);
  } finally {
    azure.redis.recover();
  }
  await eventually('hits return', async () => (await call(question)).cache === 'HIT', 15_000);
  await eventually('the others are connected again', () => cached.redis.status === 'ready');
});
