import { inspect } from 'node:util';
import {
  AzureRedisModule,
  getAzureRedisOptionsToken,
  LlmCacheService,
  type AzureRedisCacheOptions,
  type AzureRedisClient,
  type LlmCacheFetchOptions,
  type LlmCacheOptions,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { nameDigest } from '../../../lib/llm-cache/invalidation/epoch-names.js';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { duplicateOf, open } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';
import { useFleet } from '../../fixtures/fleet/fleet.js';
import { useGatewayScript } from '../../fixtures/fleet/gateway-script.js';
import { newQuestion, piecesOf } from '../../fixtures/fleet/question.js';
import { receive } from '../../fixtures/fleet/received-answer.js';

const A = 'Kx4-older-secret-of-the-vault-Jw81mZ';
const B = 'Uv9-newer-secret-of-the-vault-Tb52nY';

const PROMPT = 'Jq3-what-was-asked-in-confidence-Zp8';
const ANSWER = 'Wm5-what-was-answered-in-private-Xk2';
const TENANT = 'Hd6-tenant-of-somebody-Vy1';
const TAG = 'Bt7-tag-of-a-project-Gs4';
const MODEL = 'Rn2-model-of-a-provider-Lf9';
const CREDENTIAL = 'sk-Ce8-key-of-the-caller-Mo3';
const VECTOR = [0.123_456_78, -0.987_654_32, 0.555_443_32, 0.314_159_27];

const CHAT = 'https://api.example.com/v1/chat/completions';
const EMBEDDINGS = 'https://api.example.com/v1/embeddings';

const encrypted = (...secrets: string[]): LlmCacheOptions => ({ encryption: { secrets } });

/** Where a text shows, as it is or encoded: any 8 bytes of it in a row. */
function tracesOf(bytes: Buffer): string[] {
  const windows = (text: string, length: number): string[] =>
    Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) =>
      text.slice(at, at + length),
    );
  // Base64 of the same bytes has three forms, by where they begin.
  const base64 = [0, 1, 2].flatMap((skipped) => {
    const length = Math.floor((bytes.length - skipped) / 3) * 3;
    const text = bytes.subarray(skipped, skipped + length).toString('base64');
    return [...windows(text, 11), ...windows(text.replaceAll('+', '-').replaceAll('/', '_'), 11)];
  });
  const hex = bytes.toString('hex');
  return [...windows(bytes.toString('latin1'), 8), ...base64, ...windows(hex, 16)];
}

const showsIn = (seen: Buffer, hidden: string | Buffer): string[] => {
  const bytes = Buffer.from(hidden);
  return tracesOf(bytes).filter((trace) => seen.includes(trace, 0, 'latin1'));
};

function expectHidden(seen: Buffer, hidden: readonly (string | Buffer)[]): void {
  for (const one of hidden) expect(showsIn(seen, one)).toEqual([]);
}

async function valuesOf(redis: AzureRedisClient, key: string): Promise<(string | Buffer)[]> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return [(await redis.getBuffer(key)) ?? ''];
    case 'list':
      return redis.lrangeBuffer(key, 0, -1);
    case 'hash':
      return Object.entries(await redis.hgetallBuffer(key)).flat();
    case 'zset':
      return redis.zrangeBuffer(key, '0', '-1');
    case 'stream':
      return (await redis.xrangeBuffer(key, '-', '+')).flat(2);
    default:
      throw new Error(`Unexpected type ${type}.`);
  }
}

/** All keys and values. */
async function everythingIn(
  redis: AzureRedisClient,
): Promise<{ readonly keys: string[]; readonly bytes: Buffer }> {
  const keys = (await redis.keys('*')).toSorted();
  const values = await Promise.all(keys.map((key) => valuesOf(redis, key)));
  const parts = [...keys, ...values.flat()].map((part) => Buffer.from(part));
  return { keys, bytes: Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')])) };
}

/** What Redis is told from now on. */
async function watchCommands(redis: AzureRedisClient): Promise<string[]> {
  const monitor = await duplicateOf(redis).monitor();
  onTestFinished(() => monitor.disconnect());
  monitor.on('error', () => undefined);
  const commands: string[] = [];
  monitor.on('monitor', (_time: string, args: string[]) => commands.push(args.join(' ')));
  return commands;
}

/** The words of the answer, or its numbers. */
function contentsOf({ text }: ReadAnswer): (string | number)[] {
  const words = [...text.matchAll(/"content":"([^"]*)"/g)].map(([, word = '']) => word);
  const numbers = [...text.matchAll(/-?0\.\d+/g)].map(([number]) => Math.fround(Number(number)));
  return words.length > 0 ? words : numbers;
}

/** A provider whose answers are all different. */
function startProvider() {
  const provider = {
    calls: 0,
    async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      provider.calls += 1;
      const url = input instanceof Request ? input.url : input.toString();
      if (url === EMBEDDINGS) return Response.json(embeddings());
      const asked = await new Response(init?.body).text();
      const { stream }: { stream?: boolean } = JSON.parse(asked);
      const id = `chatcmpl-${'x'.repeat(24)}${provider.calls}`;
      return stream === true ? streamed(id) : Response.json(completion(id, 'message', 'stop'));
    },
  };
  return provider;
}

const embeddings = (): object => ({
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: VECTOR }],
  model: MODEL,
  usage: { prompt_tokens: 4, total_tokens: 4 },
});

const completion = (id: string, member: string, reason: string | null): object => ({
  id,
  created: 1_700_000_000,
  model: MODEL,
  choices: [{ index: 0, [member]: { role: 'assistant', content: ANSWER }, finish_reason: reason }],
});

function streamed(id: string): Response {
  const pieces = [null, null, 'stop'].map((reason) => completion(id, 'delta', reason));
  const frames = [...pieces.map((piece) => JSON.stringify(piece)), '[DONE]'];
  return new Response(frames.map((frame) => `data: ${frame}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  });
}

const chat = (question = PROMPT, stream = false): object => ({
  model: MODEL,
  stream,
  messages: [{ role: 'user', content: question }],
});

describe('an encrypted cache', () => {
  let azure: LocalAzure;
  let provider: ReturnType<typeof startProvider>;
  beforeAll(async () => {
    azure = await startLocalAzure();
  });
  afterAll(() => azure.stop());
  beforeEach(async () => {
    provider = startProvider();
    await open(azure).client.flushall();
  });

  async function start(
    llm: LlmCacheOptions,
    more: AzureRedisCacheOptions = {},
  ): Promise<CachedApp> {
    const app = await startCachedApp(azure, { cache: { ...more, llm } });
    onTestFinished(() => app.app.close());
    return app;
  }

  const ask = (
    { cache, read }: CachedApp,
    body: object,
    { url = CHAT, ...options }: LlmCacheFetchOptions & { url?: string } = {},
  ): Promise<ReadAnswer> => {
    const fetch = cache.createFetch({ fetch: provider.fetch, scope: TENANT, ...options });
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${CREDENTIAL}`,
    };
    return read(fetch(url, { method: 'POST', headers, body: JSON.stringify(body) }));
  };

  /** How a process with these secrets finds the answers to two questions, or makes them. */
  async function outcomes(
    llm: LlmCacheOptions,
    questions: readonly string[],
  ): Promise<(string | null)[]> {
    const app = await startCachedApp(azure, { cache: { llm } });
    try {
      const caches: (string | null)[] = [];
      for (const question of questions) caches.push((await ask(app, chat(question))).cache);
      return caches;
    } finally {
      await app.app.close();
    }
  }

  describe.each([
    ['compressed', 64],
    ['not compressed', Infinity],
  ])('%s', (_what, compressAboveBytes) => {
    it.each([
      ['JSON', CHAT, chat(), [ANSWER]],
      ['a stream', CHAT, chat(PROMPT, true), [ANSWER, ANSWER, ANSWER]],
      ['embeddings', EMBEDDINGS, { model: MODEL, input: PROMPT }, VECTOR.map(Math.fround)],
    ])('gives the stored answer: %s', async (_form, url, body, expected) => {
      const app = await start({ ...encrypted(A), compressAboveBytes });
      const miss = await ask(app, body, { url });
      await eventually('the entry', async () => (await app.entries()).length === 1);
      const hit = await ask(app, body, { url });
      expect([miss.cache, hit.cache]).toEqual(['MISS', 'HIT']);
      expect(contentsOf(hit)).toEqual(expected);
      expect(provider.calls).toBe(1);
    });

    it('shows nothing of what it is about to who reads Redis, or its commands', async () => {
      const app = await start({ ...encrypted(B, A), compressAboveBytes, explain: true });
      const commands = await watchCommands(app.redis);
      const withTag = { tags: [TAG] };
      await ask(app, chat(), withTag);
      await ask(app, chat(PROMPT, true), withTag);
      await ask(app, { model: MODEL, input: PROMPT }, { url: EMBEDDINGS });
      const byCredential = app.cache.createFetch({ fetch: provider.fetch });
      const headers = {
        'content-type': 'application/json',
        authorization: `Bearer ${CREDENTIAL}`,
      };
      const init = { method: 'POST', headers, body: JSON.stringify(chat()) };
      await app.read(byCredential(CHAT, init));
      await app.cache.invalidate({ tag: TAG });
      await app.cache.invalidate({ model: MODEL });
      await app.cache.invalidate({ principal: TENANT });
      await ask(app, chat(), withTag);
      await eventually('all entries', async () => (await app.entries()).length === 5);
      await eventually(
        'the digests',
        async () => (await app.redis.keys('*llm:recent:*')).length >= 2,
      );

      const { keys, bytes } = await everythingIn(app.redis);
      const kinds = [':llm:v3:', ':llm:recent:', ':llm:salt:', ':llm:epochs'];
      for (const kind of kinds) {
        expect(keys.filter((key) => key.includes(kind))).not.toEqual([]);
      }
      const vector = Buffer.from(new Float32Array(VECTOR).buffer);
      const texts = [PROMPT, ANSWER, TENANT, TAG, MODEL, CREDENTIAL, A, B, vector];
      expectHidden(bytes, texts);
      const written = Buffer.from(commands.join('\n'));
      expect(written.length).toBeGreaterThan(1_000);
      expectHidden(written, texts);
    });

    it('has no digest that one can make without the secret', async () => {
      const app = await start({ ...encrypted(A), compressAboveBytes, explain: true });
      await ask(app, chat(), { tags: [TAG] });
      const digest = nameDigest('cache');
      const names = [`tag:${TAG}`, `model:${MODEL}`, `principal:scope:${TENANT}`];
      await app.cache.invalidate({ tag: TAG });
      await app.cache.invalidate({ model: MODEL });
      await app.cache.invalidate({ principal: TENANT });
      const { bytes } = await everythingIn(app.redis);
      for (const name of names) expect(bytes.includes(digest(name))).toBe(false);
      const { key = '' } = await app.cache.explain({
        url: CHAT,
        body: chat(),
        scope: TENANT,
        tags: [TAG],
      });
      expect(key).not.toBe('');
      expect(bytes.includes(key)).toBe(false);
    });
  });

  it('is what hides it: without encryption the same look finds the answers', async () => {
    const app = await start({});
    await ask(app, chat());
    await ask(app, { model: MODEL, input: PROMPT }, { url: EMBEDDINGS });
    await app.cache.invalidate({ tag: TAG });
    const { bytes } = await everythingIn(app.redis);
    const vector = Buffer.from(new Float32Array(VECTOR).buffer);
    expect(showsIn(bytes, ANSWER).length).toBeGreaterThan(5);
    expect(showsIn(bytes, vector).length).toBeGreaterThan(5);
    expect(bytes.includes(nameDigest('cache')(`tag:${TAG}`))).toBe(true);
  });

  it('is found while its secret is known, though another one has taken over', async () => {
    expect(await outcomes(encrypted(A), ['one'])).toEqual(['MISS']);
    expect(await outcomes(encrypted(A, B), ['one'])).toEqual(['HIT']);
    expect(await outcomes(encrypted(B, A), ['one', 'two'])).toEqual(['HIT', 'MISS']);
    expect(await outcomes(encrypted(A, B), ['one', 'two'])).toEqual(['HIT', 'HIT']);
    expect(await outcomes(encrypted(B), ['one', 'two'])).toEqual(['MISS', 'HIT']);
  });

  it('knows of invalidations by processes with other secrets in the course of a change', async () => {
    const [older, newer] = [await start(encrypted(A, B)), await start(encrypted(B, A))];
    for (const [writer, reader] of [
      [older, newer],
      [newer, older],
    ] as const) {
      const question = `asked before ${String(writer === older)}`;
      await ask(writer, chat(question), { tags: [TAG] });
      expect((await ask(reader, chat(question), { tags: [TAG] })).cache).toBe('HIT');
      await writer.cache.invalidate({ tag: TAG });
      await eventually('the other one knows', async () => {
        const { result } = await reader.cache.explain({
          url: CHAT,
          body: chat(question),
          scope: TENANT,
          tags: [TAG],
        });
        return result === 'miss';
      });
    }
  });

  it.each([
    ['without a secret', {}],
    ['with another secret', encrypted(B)],
  ])('is a miss for a process %s, which harms nothing', async (_what, other) => {
    expect(await outcomes(encrypted(A), ['one'])).toEqual(['MISS']);
    expect(await outcomes(other, ['one', 'one'])).toEqual(['MISS', 'HIT']);
    expect(await outcomes(encrypted(A), ['one'])).toEqual(['HIT']);
    expect(await outcomes(other, ['one'])).toEqual(['HIT']);
    expect(provider.calls).toBe(2);
  });

  it.each([
    ['erased', 'MISS', (cache: LlmCacheService) => cache.erase(TENANT)],
    [
      'only invalidated',
      'HIT',
      async (cache: LlmCacheService) => {
        await cache.invalidate({ principal: TENANT });
        return true;
      },
    ],
  ])('of a tenant who was %s is a %s when its bytes come back', async (_what, outcome, forget) => {
    const app = await start(encrypted(B, A));
    await ask(app, chat());
    await ask(app, chat(), { scope: 'neighbour' });
    await ask(app, { model: MODEL, input: PROMPT }, { url: EMBEDDINGS });
    const keys = (await app.redis.keys('*')).filter((key) => !key.includes(':llm:salt:'));
    expect(keys).toHaveLength(3 + 1);
    const saved = await Promise.all(
      keys.map(async (key) => [key, await app.redis.dumpBuffer(key)] as const),
    );
    expect(await forget(app.cache)).toBe(true);
    expect((await ask(app, chat())).cache).toBe('MISS');
    expect((await ask(app, chat(), { scope: 'neighbour' })).cache).toBe('HIT');
    await app.app.close();

    const { client } = open(azure);
    for (const [key, bytes] of saved) await client.restore(key, 0, bytes ?? '', 'REPLACE');
    const fresh = await start(encrypted(B, A));
    expect((await ask(fresh, chat(), { scope: 'neighbour' })).cache).toBe('HIT');
    const before = provider.calls;
    const embedded = { model: MODEL, input: PROMPT };
    expect((await ask(fresh, embedded, { url: EMBEDDINGS })).cache).toBe(outcome);
    expect((await ask(fresh, chat())).cache).toBe(outcome);
    expect(provider.calls - before).toBe(outcome === 'MISS' ? 2 : 0);
  });

  it('shows no secret to who prints what the module provides', async () => {
    const app = await start({ ...encrypted(B, A), explain: true });
    await ask(app, chat());
    await app.cache.erase(TENANT);
    const provided = [
      app.app.get(getAzureRedisOptionsToken()),
      app.app.get(AzureRedisModule),
      app.cache,
    ];
    const shown = [
      ...provided.map((one: unknown) => JSON.stringify(one) ?? ''),
      ...provided.map((one: unknown) =>
        inspect(one, { depth: 12, showHidden: true, maxStringLength: null }),
      ),
      ...app.logger.lines,
    ].join('\n');
    expect(shown).toContain('encryption');
    for (const secret of [A, B]) expect(shown).not.toContain(secret);
    expect(app.cache.options.llm.encryption?.secrets).toEqual([B, A]);
  });

  it.each([
    ['too short', { secrets: [A, B.slice(0, 31)] }, 'texts of at least 32 characters'],
    ['twice the same', { secrets: [A, B, A] }, 'different secrets'],
    ['no list', { secrets: A }, 'an array of secrets'],
    ['an object', { secrets: { current: A } }, 'an array of secrets'],
    ['none', { secrets: [] }, 'an array of secrets'],
    ['in the place of its section', A, 'an object with secrets'],
    ['by another name', { secret: A }, 'cache.llm.encryption.secret'],
    ['a number among them', { secrets: [A, 5] }, 'texts of at least 32 characters'],
  ])('is refused at boot with secrets that are %s, and the error shows none', async (...row) => {
    const [, written, expected] = row;
    // As somebody writes it who has no types.
    const encryption: LlmCacheOptions['encryption'] & object = JSON.parse(JSON.stringify(written));
    const error: unknown = await startCachedApp(azure, { cache: { llm: { encryption } } }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'INVALID_OPTIONS' });
    const shown = inspect(error, { depth: 12, showHidden: true });
    expect(shown).toContain('cache.llm.encryption');
    expect(shown).toContain(expected);
    for (const secret of [A, B]) expect(showsIn(Buffer.from(shown), secret)).toEqual([]);
  });
});

describe('the flights of a fleet', { timeout: 30_000 }, () => {
  const script = useGatewayScript();
  const llm = { ...encrypted(A), explain: true };
  const current = useFleet(script, { cache: { deadlineMs: 5_000, llm } });

  it('show nothing of what they are about while they are under way', async () => {
    const fleet = current();
    const { client, connection } = open(fleet.azure);
    await connection.whenReady(10_000);
    const commands = await watchCommands(client);
    const question = newQuestion(true, { model: MODEL, words: PROMPT });
    fleet.model.open = 20;
    const options = { user: TENANT, tags: [TAG] };
    const answers = fleet.processes.map((process) => receive(process.ask(question, options)));
    await eventually('a part of the log', async () => {
      const [log] = await client.keys('*:llm:log:*');
      return log !== undefined && (await client.xlen(log)) >= 5;
    });
    const { keys, bytes } = await everythingIn(client);
    expect(keys.filter((key) => key.includes(':llm:lease:'))).toHaveLength(1);
    const hidden = [PROMPT, TENANT, TAG, MODEL, A, ...piecesOf(question), 'choices', 'assistant'];
    expectHidden(bytes, hidden);
    fleet.model.open = Infinity;
    const texts = (await Promise.all(answers)).map(({ text }) => text);
    expect(texts.map((text) => text.includes('[DONE]'))).toEqual([true, true, true]);
    expect(fleet.model.calls).toHaveLength(1);
    expectHidden((await everythingIn(client)).bytes, hidden);
    expect(commands.length).toBeGreaterThan(10);
    expectHidden(Buffer.from(commands.join('\n')), hidden);
  });
});
