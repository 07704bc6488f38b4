import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';

const TTL_MS = 500;
const URL_OF_CHAT = 'http://127.0.0.1:9/v1/chat/completions';

const within = async (ms: number, promise: Promise<unknown>): Promise<unknown> =>
  Promise.race([
    promise.catch((error: unknown) => String(error)),
    sleep(ms).then(() => `nothing within ${ms} ms`),
  ]);

let words = 0;
const newChat = () => ({
  model: 'm',
  messages: [{ role: 'user', content: `words ${(words += 1)}` }],
});

const answered = (call: number): Response =>
  Response.json({
    call,
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  });

describe('a cached fetch of two applications', () => {
  let azure: LocalAzure;
  let apps: CachedApp[];

  beforeAll(async () => {
    azure = await startLocalAzure();
    const llm = { fleet: { leaseMs: 600 }, followerDeadlineMs: 4_000, drainDeadlineMs: 500 };
    apps = await Promise.all([
      startCachedApp(azure, { cache: { llm } }),
      startCachedApp(azure, { cache: { llm } }),
    ]);
  });
  beforeEach(async () => {
    for (const { redis } of apps) await emptyRedis(redis);
  });
  afterAll(async () => {
    for (const { app } of apps) await app.close();
    await azure.stop();
  });

  const app = (index: number): CachedApp => {
    const found = apps[index];
    if (found === undefined) throw new Error('Expected an application.');
    return found;
  };

  const troubles: unknown[] = [];
  const onRejection = (error: unknown): void => void troubles.push(error);
  const onWarning = (warning: Error): void => void troubles.push(warning.name);
  beforeEach(() => {
    troubles.length = 0;
    process.prependListener('unhandledRejection', onRejection);
    process.on('warning', onWarning);
  });
  afterEach(() => {
    process.off('unhandledRejection', onRejection);
    process.off('warning', onWarning);
  });

  const ask = (
    index: number,
    chat: object,
    options: Parameters<CachedApp['cache']['createFetch']>[0],
    signal?: AbortSignal,
  ): Promise<ReadAnswer> => {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chat),
      ...(signal && { signal }),
    };
    return app(index).read(app(index).cache.createFetch(options)(URL_OF_CHAT, init));
  };

  it('a 503 whose body has failed does not end the process', async () => {
    const chat = newChat();
    let calls = 0;
    const options = {
      ttlMs: TTL_MS,
      staleIfErrorMs: 60_000,
      fetch: async (): Promise<Response> => {
        calls += 1;
        if (calls === 1) return answered(calls);
        const body = new ReadableStream({ start: (c) => c.error(new Error('ECONNRESET')) });
        return new Response(body, { status: 503 });
      },
    };
    await ask(0, chat, options);
    await sleep(TTL_MS + 50);
    expect((await ask(0, chat, options)).text).toContain('"call":1');
    await nextTurn();
    await sleep(50);
    expect(troubles).toEqual([]);
  });

  it('a call in the background that hangs holds nobody up', async () => {
    const chat = newChat();
    let calls = 0;
    let isStopped = false;
    const options = {
      ttlMs: TTL_MS,
      staleWhileRevalidateMs: 500,
      fetch: async (_input: unknown, init?: RequestInit): Promise<Response> => {
        calls += 1;
        if (calls !== 2) return answered(calls);
        return new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => {
            isStopped = true;
            reject(new Error('stopped'));
          });
        });
      },
    };
    await ask(0, chat, options);
    await sleep(TTL_MS + 50);
    await ask(0, chat, options);
    await eventually('a call in the background', () => calls === 2);
    // The window ends, and so does drainDeadlineMs.
    await sleep(1_000);
    const startedAt = performance.now();
    await ask(1, chat, options);
    const tookMs = performance.now() - startedAt;
    await sleep(TTL_MS + 50);
    // The next round: nobody renews any more.
    await ask(0, chat, options);
    await ask(1, chat, options);
    await sleep(300);
    expect({ isSlow: tookMs > 3_000, isStopped, calls }).toEqual({
      isSlow: false,
      isStopped: true,
      calls: 4,
    });
  });

  it('nobody is called for followers who have gone when the leader fails', async () => {
    const chat = newChat();
    let calls = 0;
    let fail: (error: Error) => void = () => undefined;
    const options = {
      fetch: async (): Promise<Response> => {
        calls += 1;
        if (calls > 1) return answered(calls);
        return new Promise((_resolve, reject) => (fail = reject));
      },
    };
    const first = ask(0, chat, options).catch(() => undefined);
    await eventually('a call', () => calls === 1);
    const caller = new AbortController();
    const second = ask(1, chat, options, caller.signal).catch(() => undefined);
    await sleep(300);
    caller.abort();
    await second;
    // Within drainDeadlineMs.
    fail(new Error('The upstream is down.'));
    await first;
    await sleep(500);
    expect(calls).toBe(1);
  });

  it('many calls in the background warn of nothing', async () => {
    const chats = Array.from({ length: 12 }, newChat);
    let calls = 0;
    let open: () => void = () => undefined;
    let gate: Promise<void> = Promise.resolve();
    const options = {
      ttlMs: TTL_MS,
      staleWhileRevalidateMs: 60_000,
      fetch: async (): Promise<Response> => {
        calls += 1;
        await gate;
        return answered(calls);
      },
    };
    for (const chat of chats) await ask(0, chat, options);
    await sleep(TTL_MS + 50);
    gate = new Promise((resolve) => (open = resolve));
    for (const chat of chats) await ask(0, chat, options);
    await eventually('calls', () => calls === 2 * chats.length);
    open();
    await sleep(100);
    expect(troubles).toEqual([]);
  });

  it.each([[[0]], [[0, 1]]])(
    'a stream that all leave is stopped: callers in the applications %j',
    async (indexes) => {
      const chat = { ...newChat(), stream: true };
      let isStopped = false;
      const upstream = openStream(() => (isStopped = true));
      const callers = indexes.map((index) => ({ index, abort: new AbortController() }));
      const asked = [];
      for (const { index, abort } of callers) {
        asked.push(stream(index, chat, upstream.options, abort.signal));
        await sleep(150);
      }
      upstream.send(1);
      const readers = (await Promise.all(asked)).map(({ body }) => body?.getReader());
      for (const reader of readers) await reader?.read();
      const rest = readers.map(async (reader) => reader?.read().catch(() => undefined));
      await sleep(50);
      for (const { abort } of callers.toReversed()) abort.abort();
      await Promise.all(rest);
      await sleep(3_000);
      expect(isStopped).toBe(true);
    },
  );

  it('who comes again to the same process gets the rest as it comes', async () => {
    const chat = { ...newChat(), stream: true };
    const upstream = openStream(() => undefined);
    const first = (
      await Promise.all([
        stream(0, chat, upstream.options),
        sleep(150).then(() => upstream.send(1)),
      ])
    )[0];
    void drain(first);
    const abort = new AbortController();
    const left = (await stream(1, chat, upstream.options, abort.signal)).body?.getReader();
    await left?.read();
    const pending = left?.read().catch(() => undefined);
    await sleep(50);
    abort.abort();
    await pending;
    await sleep(50);
    const again = (await stream(1, chat, upstream.options)).body?.getReader();
    expect(await textOf(again)).toContain('"content":"1"');
    upstream.send(2);
    expect(await textOf(again)).toContain('"content":"2"');
    await sleep(600);
    upstream.send(3);
    const third = await within(3_000, textOf(again));
    upstream.end();
    expect(third).toContain('"content":"3"');
  });

  function openStream(onStop: () => void) {
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    const state = { calls: 0 };
    const frame = (index: number) => ({
      choices: [{ index: 0, delta: { content: String(index) }, finish_reason: null }],
    });
    return {
      state,
      options: {
        fetch: async (): Promise<Response> => {
          state.calls += 1;
          const body = new ReadableStream<Uint8Array>({
            start: (c) => void (controller = c),
            cancel: onStop,
          });
          return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
        },
      },
      send: (index: number): void =>
        controller?.enqueue(Buffer.from(`data: ${JSON.stringify(frame(index))}\n\n`)),
      end: (): void => controller?.close(),
    };
  }

  const stream = (
    index: number,
    chat: object,
    options: Parameters<CachedApp['cache']['createFetch']>[0],
    signal?: AbortSignal,
  ): Promise<Response> =>
    app(index).cache.createFetch(options)(URL_OF_CHAT, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(chat),
      ...(signal && { signal }),
    });

  const textOf = async (
    reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
  ): Promise<string> => Buffer.from((await reader?.read())?.value ?? []).toString();

  const drain = async (response: Response): Promise<void> => {
    await response.text().catch(() => undefined);
  };
});
