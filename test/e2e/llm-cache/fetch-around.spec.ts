import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { eventually } from '../../fixtures/eventually.js';

type Fetch = typeof globalThis.fetch;

const CHAT = 'https://model.example/v1/chat/completions';
const EMBEDDINGS = 'https://model.example/v1/embeddings';

/** How the model server answers its n-th call. */
type Answer = (call: number, init: RequestInit | undefined) => Response | Promise<Response>;

class Upstream {
  calls = 0;
  readonly fetch: Fetch;

  constructor(answer: Answer) {
    this.fetch = async (_input, init) => answer((this.calls += 1), init);
  }
}

function completion(call: number): Response {
  const message = { role: 'assistant', content: `answer ${call}` };
  return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
}

const frameOf = (content: string, finish_reason: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;

/** A body that goes on for ever, and says how far it was read. */
function endless(status: number): {
  readonly state: { pulled: number; isCancelled: boolean };
  readonly response: Response;
} {
  const state = { pulled: 0, isCancelled: false };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await sleep(10);
      state.pulled += 1;
      controller.enqueue(Buffer.from(frameOf('word ')));
    },
    cancel() {
      state.isCancelled = true;
    },
  });
  const headers = { 'content-type': 'text/event-stream' };
  return { state, response: new Response(body, { status, headers }) };
}

function question(content: string, more: object = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...more }),
  };
}

let azure: LocalAzure;
let cached: CachedApp;
beforeAll(async () => {
  azure = await startLocalAzure();
  cached = await startCachedApp(azure);
}, 60_000);
afterAll(async () => {
  await cached.app.close();
  await azure.stop();
});
beforeEach(() => emptyRedis(cached.redis));

function cachedFetch(answer: Answer, app = cached): { fetch: Fetch; upstream: Upstream } {
  const upstream = new Upstream(answer);
  return { upstream, fetch: app.cache.createFetch({ fetch: upstream.fetch }) };
}

const textWithin = async (response: Promise<Response>, withinMs: number): Promise<string> => {
  const late = sleep(withinMs, 'late', { ref: false });
  return Promise.race([response.then((answer) => answer.text()), late]);
};

describe('the signal of a caller', () => {
  it('keeps no listener of calls that are over', async () => {
    const { fetch, upstream } = cachedFetch(completion);
    const { signal } = new AbortController();
    for (let call = 0; call < 20; call += 1) {
      // Every other one is a hit.
      const asked = fetch(CHAT, { ...question(`question ${Math.floor(call / 2)}`), signal });
      await cached.read(asked);
    }
    expect(upstream.calls).toBe(10);
    await sleep(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('keeps none of an answer that its caller does not want any more', async () => {
    const { fetch } = cachedFetch(() => endless(500).response);
    const { signal } = new AbortController();
    const { body } = await fetch(CHAT, { ...question('long', { stream: true }), signal });
    await body?.cancel();
    await eventually('none is left', () => getEventListeners(signal, 'abort').length === 0, 2_000);
  });
});

describe('a call that hangs, and that its caller has given up', () => {
  const firstHangs: Answer = (call) =>
    call === 1 ? new Promise<never>(() => undefined) : completion(call);

  it('keeps nobody else from the upstream', async () => {
    const { fetch, upstream } = cachedFetch(firstHangs);
    const gone = new AbortController();
    const given = fetch(CHAT, { ...question('hang'), signal: gone.signal });
    await eventually('it hangs', () => upstream.calls === 1);
    gone.abort();
    await expect(given).rejects.toThrow(/aborted/);
    expect(await textWithin(fetch(CHAT, question('hang')), 1_000)).toContain('answer 2');
  });

  it('is stopped after drainDeadlineMs', async () => {
    const own = await startCachedApp(azure, { cache: { llm: { drainDeadlineMs: 100 } } });
    onTestFinished(() => own.app.close());
    let isStopped = false;
    const hang: Answer = (_call, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          isStopped = true;
          reject(new Error('Stopped.'));
        });
      });
    const { fetch, upstream } = cachedFetch(hang, own);
    const gone = new AbortController();
    const given = fetch(CHAT, { ...question('stop'), signal: gone.signal });
    await eventually('it hangs', () => upstream.calls === 1);
    gone.abort();
    await expect(given).rejects.toThrow(/aborted/);
    expect(isStopped).toBe(false);
    await eventually('it is stopped', () => isStopped, 2_000);
  });
});

it('callers with other subscription keys of Azure API Management do not share', async () => {
  const { fetch, upstream } = cachedFetch(completion);
  const ask = async (key: string) => {
    const headers = { 'content-type': 'application/json', 'ocp-apim-subscription-key': key };
    return (await cached.read(fetch(CHAT, { ...question('mine'), headers }))).cache;
  };
  expect([await ask('alice'), await ask('bob'), await ask('alice')]).toEqual([
    'MISS',
    'MISS',
    'HIT',
  ]);
  expect(upstream.calls).toBe(2);
});

it('a 429 to embeddings keeps the headers that tell when to retry', async () => {
  const { fetch, upstream } = cachedFetch((call) =>
    Response.json(
      { error: { message: 'slow down' } },
      { status: 429, headers: { 'retry-after': '7', 'x-request-id': `request-${call}` } },
    ),
  );
  for (let call = 1; call <= 2; call += 1) {
    const asked = fetch(EMBEDDINGS, { ...question(''), body: '{"model":"m","input":"x"}' });
    const { status, headers, text } = await cached.read(asked);
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBe('7');
    expect(headers.get('x-request-id')).toBe(`request-${call}`);
    expect(JSON.parse(text)).toEqual({ error: { message: 'slow down' } });
  }
  expect(upstream.calls).toBe(2);
});

describe('an error that its caller does not read to the end', () => {
  it.each(['cancels the body', 'aborts the request'])('is not drained: %s', async (how) => {
    const { state, response } = endless(500);
    const { fetch } = cachedFetch(() => response);
    const gone = new AbortController();
    const asked = question('broken', { stream: true });
    const answer = await fetch(CHAT, { ...asked, signal: gone.signal });
    expect(answer.status).toBe(500);
    if (how === 'cancels the body') await answer.body?.cancel();
    else gone.abort();
    await eventually('it is cancelled', () => state.isCancelled, 2_000);
    expect(state.pulled).toBeLessThan(10);
  });
});

it('a caller can leave in a pause of a paced hit', async () => {
  const stream = `${frameOf('one')}${frameOf('two', 'stop')}data: [DONE]\n\n`;
  const headers = { 'content-type': 'text/event-stream' };
  const upstream = new Upstream(() => new Response(stream, { headers }));
  const fetch = cached.cache.createFetch({
    fetch: upstream.fetch,
    pacing: { tokensPerSecond: 0.5 },
  });
  const asked = question('paced', { stream: true });
  await cached.read(fetch(CHAT, asked));
  const hit = await fetch(CHAT, asked);
  expect(hit.headers.get('x-cache')).toBe('HIT');
  const reader = hit.body?.getReader();
  await reader?.read();
  const pending = reader?.read();
  const startedAt = performance.now();
  await reader?.cancel();
  expect(await pending).toEqual({ done: true, value: undefined });
  expect(performance.now() - startedAt).toBeLessThan(500);
});
