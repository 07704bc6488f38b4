import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyRedis, keysOf } from '../fixtures/empty-redis.js';
import { Gateway, type Platform } from './llm-cache/start-gateway.js';

const CHAT = 'v1/chat/completions';

/** All of an answer but what each caller gets anew. */
const withoutId = (text: string): unknown => ({ ...JSON.parse(text), id: undefined });

let azure: LocalAzure;

beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);

afterAll(() => azure.stop());

describe.each<Platform>(['express', 'fastify'])('the LLM cache on %s', (platform) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await Gateway.start(azure, platform);
  }, 60_000);

  afterAll(() => gateway.close());

  beforeEach(async () => {
    await emptyRedis(gateway.client);
  });

  describe('a JSON answer', () => {
    it('comes from the handler first and from the cache afterwards, the same', async () => {
      const first = await gateway.post(CHAT, '{"messages":[],"question":"a","n":1}');
      const second = await gateway.post(
        CHAT,
        ' {"n":1.0, "user":"bob",\n"question":"\\u0061", "messages":[]}',
      );

      expect(first).toMatchObject({ status: 200, cache: 'MISS', age: null });
      expect(first.cacheStatus).toBe('LlmCache; fwd=miss; stored');
      expect(second).toMatchObject({ status: 200, cache: 'HIT' });
      expect(withoutId(second.text)).toEqual(withoutId(first.text));
      expect(second.cacheStatus).toMatch(/^LlmCache; hit; ttl=\d+$/);
      expect(Number(second.age)).toBeLessThan(60);
      expect(second.type).toBe(first.type);
    });

    it('has a fresh id each time', async () => {
      const ask = async () => JSON.parse((await gateway.post(CHAT, { messages: [] })).text).id;
      const ids = [await ask(), await ask(), await ask()];
      expect(ids).toEqual([1, 2, 3].map(() => expect.stringMatching(/^chatcmpl-\w+$/)));
      expect(new Set(ids).size).toBe(3);
    });

    it('keeps the status 201 of a Nest POST', async () => {
      const first = await gateway.post('created', { question: 'a' });
      const second = await gateway.post('created', { question: 'a' });
      expect([first.status, second.status]).toEqual([201, 201]);
      expect([first.cache, second.cache]).toEqual(['MISS', 'HIT']);
      expect(second.text).toBe(first.text);
    });

    it('keeps the status that the handler chose', async () => {
      await gateway.post('ok-by-handler', {});
      expect(await gateway.post('ok-by-handler', {})).toMatchObject({ cache: 'HIT', status: 200 });
    });

    it('may be a text', async () => {
      const first = await gateway.post('text', {});
      const second = await gateway.post('text', {});
      expect(second).toMatchObject({ cache: 'HIT', text: first.text, type: first.type });
    });

    it('keeps its media type and nothing that belongs to the first caller', async () => {
      const first = await gateway.post('headers', {});
      const second = await gateway.post('headers', {});
      expect(first.headers.get('set-cookie')).not.toBeNull();
      expect(second).toMatchObject({ cache: 'HIT', text: first.text, type: first.type });
      expect(second.type).toContain('application/vnd.answer+json');
      expect(second.headers.get('set-cookie')).toBeNull();
      expect(second.headers.get('x-request-id')).toBeNull();
    });

    it('is the last value of an Observable', async () => {
      const first = await gateway.post('several-values', { question: 'a' });
      const second = await gateway.post('several-values', { question: 'a' });
      expect(JSON.parse(first.text)).toHaveProperty('to', 'a');
      expect(second).toMatchObject({ cache: 'HIT', text: first.text });
    });
  });

  describe('another request', () => {
    it.each([
      ['an unknown parameter', { question: 'a', num_ctx: 1 }, ''],
      ['another value', { question: 'A' }, ''],
      ['a query parameter', { question: 'a' }, '?api-version=2'],
    ])('has an answer of its own: %s', async (_what, body, query) => {
      const first = await gateway.post('created', { question: 'a' });
      const other = await gateway.post(`created${query}`, body);
      expect(other.cache).toBe('MISS');
      expect(other.text).not.toBe(first.text);
    });

    it('may name its query parameters in any order', async () => {
      await gateway.post('created?a=1&b=2', {});
      expect(await gateway.post('created?b=2&a=1', {})).toHaveProperty('cache', 'HIT');
    });

    it('of another version of the route never gets its answer', async () => {
      for (const version of ['1', '2', '1', '2']) {
        const { text } = await gateway.post('versioned', {}, { 'x-version': version });
        expect(JSON.parse(text)).toEqual({ version });
      }
      expect(await gateway.entries()).toHaveLength(2);
    });
  });

  describe('another principal', () => {
    it.each(['authorization', 'api-key', 'x-api-key', 'cookie'])(
      'told by %s never gets the answer of the first',
      async (header) => {
        const ask = (name?: string) =>
          gateway.post('created', { question: 'a' }, name === undefined ? {} : { [header]: name });
        const answers = [await ask('alice=1'), await ask('bob=1'), await ask()];
        expect(answers.map(({ cache }) => cache)).toEqual(['MISS', 'MISS', 'MISS']);
        expect(new Set(answers.map(({ text }) => text)).size).toBe(3);
        expect(await ask('alice=1')).toMatchObject({ cache: 'HIT', text: answers[0]?.text });
      },
    );

    it('is whoever the scope function names', async () => {
      const ask = (tenant: string, authorization: string) =>
        gateway.post('scoped/tenant', {}, { 'x-tenant': tenant, authorization });
      const first = await ask('t1', 'alice');
      expect(await ask('t1', 'bob')).toMatchObject({ cache: 'HIT', text: first.text });
      expect(await ask('t2', 'alice')).toHaveProperty('cache', 'MISS');
    });

    it('is nobody on a public route', async () => {
      const first = await gateway.post('scoped/public', {}, { authorization: 'alice' });
      const second = await gateway.post('scoped/public', {}, { authorization: 'bob' });
      expect(second).toMatchObject({ cache: 'HIT', text: first.text });
    });

    it('leaves nothing of its credentials, question or answer in the keys of Redis', async () => {
      await gateway.post(CHAT, { question: 'q-secret' }, { authorization: 'Bearer sk-secret' });
      expect(await gateway.entries()).toEqual([
        expect.stringMatching(/^cache:llm:v3:\{[\w-]{43}\}$/),
      ]);
    });
  });

  describe('is not stored', () => {
    it.each([
      ['an answer cut at the length limit', CHAT, { finish: 'length' }, 200, 'unfinished'],
      ['a filtered answer', CHAT, { finish: 'content_filter' }, 200, 'unfinished'],
      ['an answer with an error status', 'refused', {}, 429, 'status'],
      ['an answer above the limit', 'large', {}, 201, 'too-large'],
    ])('%s', async (_what, path, body, status, detail) => {
      for (let round = 1; round <= 2; round++) {
        const answer = await gateway.post(path, body);
        expect(answer).toMatchObject({ status, cache: 'MISS' });
        expect(answer.cacheStatus).toBe(`LlmCache; fwd=miss; detail=${detail}`);
      }
      expect(await gateway.entries()).toEqual([]);
    });

    it.each([
      ['a thrown error', 'thrown', 502],
      ['an error after a value', 'fails-late', 503],
    ])('%s', async (_what, path, status) => {
      const first = await gateway.post(path, {});
      const second = await gateway.post(path, {});
      expect([first.status, second.status]).toEqual([status, status]);
      expect(second.text).not.toBe(first.text);
      expect(await gateway.entries()).toEqual([]);
    });

    it('a value returned after the response was sent by other means', async () => {
      const first = await gateway.post('answered-elsewhere', {});
      const second = await gateway.post('answered-elsewhere', {});
      expect(JSON.parse(second.text).call).toBeGreaterThan(JSON.parse(first.text).call);
      expect(await gateway.entries()).toEqual([]);
    });

    it('an error after a value of a GET route', async () => {
      const first = await gateway.get('fails-late');
      const second = await gateway.get('fails-late');
      expect([first.status, second.status]).toEqual([503, 503]);
      expect(await keysOf(gateway.client)).toEqual([]);
    });

    it('nothing', async () => {
      await gateway.post('nothing', {});
      expect(await gateway.post('nothing', {})).toMatchObject({ status: 201, text: '' });
      expect(await gateway.entries()).toEqual([]);
    });
  });

  describe('a streamed answer', () => {
    const pieces = (text: string) => /^one two of call (?<call>\d+)$/.exec(text)?.groups?.['call'];
    const kinds = [
      'generator',
      'iterable',
      'web-stream',
      'response',
      'node-stream',
      'file',
      'observable-of-stream',
      'response-object',
      'response-object-later',
    ];
    const stockKinds = ['generator', 'web-stream', 'response', 'node-stream', 'file'];

    it.each(kinds)('comes from the handler once: %s', async (kind) => {
      const first = await gateway.post(`stream/${kind}`, {});
      expect(first.cache).toBe('MISS');
      expect(pieces(first.text)).toBeDefined();
      for (let round = 1; round <= 2; round += 1) {
        const { status, type, text } = first;
        const hit = await gateway.post(`stream/${kind}`, {});
        expect(hit).toMatchObject({ cache: 'HIT', status, type, text });
      }
      expect(await gateway.entries()).toHaveLength(1);
    });

    it('is what a handler writes to @Res(), not what it returns', async () => {
      const first = await gateway.post('response-and-value', {});
      expect(first.text).toMatch(/^\{"call":\d+\}$/);
      const { status, type, text } = first;
      expect(await gateway.post('response-and-value', {})).toMatchObject({
        cache: 'HIT',
        status,
        type,
        text,
      });
    });

    it('is made of server-sent events', async () => {
      const asked = [await gateway.post('stream/sse', {}), await gateway.post('stream/sse', {})];
      const texts = asked.map(({ text, type }) => {
        expect(type).toContain('text/event-stream');
        return text.match(/^data: .*$/gm);
      });
      expect(texts[0]).toEqual(['data: one ', 'data: two ', expect.stringMatching(/of call \d+/)]);
      expect(texts[1]).toEqual(texts[0]);
    });

    it.each(stockKinds)('of a GET route passes through: %s', async (kind) => {
      const first = await gateway.get(`stream/${kind}`);
      const second = await gateway.get(`stream/${kind}`);
      expect(pieces(first.text)).toBeDefined();
      expect(pieces(second.text)).toBeDefined();
      expect(pieces(second.text)).not.toBe(pieces(first.text));
      expect(second.type).toBe(first.type);
      expect(await keysOf(gateway.client)).toEqual([]);
    });

    it('of server-sent events of a GET route passes through', async () => {
      for (const answer of [await gateway.get('stream/sse'), await gateway.get('stream/sse')]) {
        expect(answer.text).toMatch(/of call \d+/);
        expect(answer.cacheStatus).toBe('LlmCache; fwd=bypass; detail=stream');
      }
      expect(await keysOf(gateway.client)).toEqual([]);
    });

    it('never answers a request for JSON, nor the reverse', async () => {
      const json = await gateway.post(CHAT, { question: 'a' });
      const stream = await gateway.post(CHAT, { question: 'a', stream: true });
      expect(stream.cache).toBe('MISS');
      expect(stream.text).not.toBe(json.text);
      await gateway.post('keyed', { question: 'a' });
      expect(await gateway.post('keyed', { question: 'a', stream: true })).toMatchObject({
        cache: null,
        cacheStatus: 'LlmCache; fwd=bypass; detail=stream',
      });
    });
  });

  describe('the lifetime of an entry', () => {
    const lifetime = async () => {
      const [key] = await gateway.entries();
      return gateway.client.pttl(key ?? '');
    };

    it('is an hour less up to 20 % of jitter', async () => {
      await gateway.post('created', {});
      expect(await lifetime()).toBeGreaterThan(3_600_000 * 0.8 - 10_000);
      expect(await lifetime()).toBeLessThanOrEqual(3_600_000);
    });

    it('is not the same for all, so that they do not end all at once', async () => {
      for (let n = 0; n < 8; n++) await gateway.post('created', { n });
      const lifetimes = await Promise.all(
        (await gateway.entries()).map((key) => gateway.client.pttl(key)),
      );
      expect(Math.max(...lifetimes) - Math.min(...lifetimes)).toBeGreaterThan(60_000);
    });

    it.each([
      ['short-lived', 5_000],
      ['short-lived-by-function', 7_000],
    ])('is what @CacheTTL() says: %s', async (path, ttlMs) => {
      await gateway.post(path, {});
      expect(await lifetime()).toBeGreaterThan(ttlMs - 4_000);
      expect(await lifetime()).toBeLessThanOrEqual(ttlMs);
      expect((await gateway.post(path, {})).cache).toBe('HIT');
    });
  });

  describe('a damaged entry', () => {
    it.each([
      ['a flipped byte', (key: string) => gateway.client.setrange(key, 80, '\u0007')],
      ['garbage', (key: string) => gateway.client.set(key, 'garbage')],
      ['nothing in it', (key: string) => gateway.client.set(key, '')],
      ["another entry's bytes", (key: string) => copyOfAnother(key)],
    ])('is a miss: %s', async (_what, damage) => {
      const first = await gateway.post(CHAT, { question: 'a' });
      const [key = ''] = await gateway.entries();
      await damage(key);
      const second = await gateway.post(CHAT, { question: 'a' });
      expect(second).toMatchObject({ status: 200, cache: 'MISS' });
      expect(second.text).not.toBe(first.text);
      const third = await gateway.post(CHAT, { question: 'a' });
      expect(withoutId(third.text)).toEqual(withoutId(second.text));
    });

    async function copyOfAnother(key: string) {
      await gateway.post(CHAT, { question: 'b' });
      const other = (await gateway.entries()).find((name) => name !== key) ?? '';
      await gateway.client.set(key, (await gateway.client.getBuffer(other)) ?? '');
    }
  });

  describe('a function of the route that throws', () => {
    it.each([
      ['scope', 'scoped/tenant', { 'x-tenant': 'broken' }, 'scope function'],
      ['scope without a name', 'scoped/tenant', {}, 'scope function'],
      ['@CacheTTL()', 'ttl-throws', {}, '@CacheTTL()'],
      ['@CacheKey()', 'key-throws', {}, '.keyThrows: the @CacheKey() function'],
      ['async @CacheKey()', 'async-key-throws', {}, '.asyncKeyThrows: the @CacheKey() function'],
    ])('%s: the handler answers, one warning', async (_what, path, headers, named) => {
      const texts = new Set<string>();
      for (let round = 1; round <= 3; round++) {
        const answer = await gateway.post(path, {}, headers);
        expect(answer.status).toBe(201);
        expect(answer.cache).not.toBe('HIT');
        texts.add(answer.text);
      }
      expect(texts.size).toBe(3);
      expect(await keysOf(gateway.client)).toEqual([]);
      const warnings = gateway.log.filter(({ message }) => message.includes(named));
      expect(warnings).toHaveLength(1);
      expect(JSON.stringify(gateway.log)).not.toContain('secret of');
    });
  });

  describe('what is not a POST with a JSON body', () => {
    it('behaves as with the stock interceptor: GET', async () => {
      const first = await gateway.get('models');
      const second = await gateway.get('models');
      expect([first.cache, second.cache]).toEqual(['MISS', 'HIT']);
      expect(second.text).toBe(first.text);
      expect(await gateway.entries()).toEqual([]);
    });

    it('behaves as with the stock interceptor: @CacheKey()', async () => {
      const first = await gateway.post('keyed', { question: 'a' }, { authorization: 'alice' });
      const second = await gateway.post('keyed', { question: 'a' }, { authorization: 'bob' });
      expect([first.cache, second.cache]).toEqual(['MISS', 'HIT']);
      expect(second.text).toBe(first.text);
      expect(await gateway.client.exists('cache:keyed:a')).toBe(1);
    });

    it('is not cached without a body, or with a number that was rounded', async () => {
      const rounded = '{"seed":9007199254740993}';
      expect(await gateway.post('created', rounded)).toMatchObject({
        status: 201,
        cache: null,
        cacheStatus: 'LlmCache; fwd=bypass; detail=key',
      });
      expect(await gateway.entries()).toEqual([]);
    });
  });
});

describe.each<Platform>(['express', 'fastify'])('the cache options on %s', (platform) => {
  let gateway: Gateway | undefined;

  afterEach(async () => {
    await (gateway && emptyRedis(gateway.client));
    await gateway?.close();
  });

  it('default_off caches no LLM answer, and GET as ever', async () => {
    gateway = await Gateway.start(azure, platform, { mode: 'default_off' });
    for (let round = 1; round <= 2; round++) {
      expect(await gateway.post(CHAT, {})).toMatchObject({
        cache: null,
        cacheStatus: 'LlmCache; fwd=bypass; detail=default-off',
      });
    }
    await gateway.get('models');
    expect(await gateway.get('models')).toHaveProperty('cache', 'HIT');
  });

  it('supportedCallTypes caches those alone', async () => {
    gateway = await Gateway.start(azure, platform, { supportedCallTypes: ['aembedding'] });
    expect(await gateway.post(CHAT, { messages: [] })).toHaveProperty(
      'cacheStatus',
      'LlmCache; fwd=bypass; detail=call-type',
    );
    expect(await gateway.post('created', {})).toHaveProperty('cache', 'MISS');
  });

  it('ttlMs and namespace are used', async () => {
    gateway = await Gateway.start(azure, platform, { ttlMs: 50_000, namespace: 'mine' });
    await gateway.post('created', {});
    const [key = ''] = await gateway.entries();
    expect(key).toMatch(/^mine:llm:v3:/);
    expect(await gateway.client.pttl(key)).toBeLessThanOrEqual(50_000);
  });
});

describe.each<Platform>(['express', 'fastify'])('without Redis on %s', (platform) => {
  it('the handlers answer, and hits return by themselves', async () => {
    const gateway = await Gateway.start(azure, platform);
    try {
      await emptyRedis(gateway.client);
      const stored = await gateway.post('created', { question: 'a' });
      azure.redis.refuse();
      azure.redis.kill('rst');
      for (let round = 1; round <= 3; round++) {
        const answer = await gateway.post('created', { question: 'a' });
        expect(answer).toMatchObject({ status: 201, cache: 'MISS' });
        expect(answer.text).not.toBe(stored.text);
      }
      azure.redis.recover();
      const ask = async () => (await gateway.post('created', { question: 'b' })).cache;
      await expect.poll(ask, { timeout: 15_000, interval: 100 }).toBe('HIT');
      const log = JSON.stringify(gateway.log);
      expect(log).not.toContain('question');
      expect(log).not.toContain('llm:v3:');
    } finally {
      azure.redis.recover();
      await gateway.close();
    }
  });
});
