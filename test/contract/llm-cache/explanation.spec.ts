import { createHmac } from 'node:crypto';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Explainer, type Explanation } from '../../../lib/llm-cache/explanation/explain.js';
import type { ExplainedRequest } from '../../../lib/llm-cache/explanation/explained-request.js';
import type { NamesOf } from '../../../lib/llm-cache/explanation/recent-entries.js';
import { openAiChat } from '../../../lib/llm-cache/protocols/openai-chat.js';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { open, type OpenedConnection } from '../../fixtures/connection.js';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-01-01T12:30:00Z');

const withSecret = (secret: string, text: string): Buffer =>
  createHmac('sha256', secret).update(text).digest();

const namesWith =
  (secret: string, ...previous: readonly string[]): NamesOf =>
  (name) => {
    const nameOf = (one: string) => withSecret(one, name).toString('base64url');
    return [nameOf(secret), ...previous.map(nameOf)];
  };

function storeOf({ connection, client, logger }: OpenedConnection, deadlineMs = 5_000) {
  const guard = new StoreGuard({
    deadlineMs,
    isConnected: () => client.status === 'ready',
    availability: connection.availability,
    logger,
    explain: (error) => connection.explain(error).message,
  });
  return new AzureRedisStore(client, guard, 'cache');
}

const chat = (question: string, more: object = {}) => ({
  model: 'gpt-4o',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: question },
  ],
  ...more,
});

const request = (
  body: ExplainedRequest['body'],
  more: Partial<ExplainedRequest> = {},
): ExplainedRequest => ({
  route: 'POST /v1/chat/completions',
  principal: 'scope:alice',
  epoch: 'epoch-0',
  policy: 'private, 3600 s',
  protocol: openAiChat,
  omitted: openAiChat.omitted,
  body,
  ...more,
});

/** An explainer with a clock, asked as an application asks it. */
function explaining(store: AzureRedisStore, secrets: readonly [string, ...string[]] = ['secret']) {
  const clock = { now: START };
  const explainer = new Explainer({
    store,
    digest: (text) => withSecret(secrets[0], text),
    namesOf: namesWith(...secrets),
    now: () => clock.now,
  });
  const digests = (one: ExplainedRequest) => {
    const made = explainer.digestsOf(one);
    if (made === undefined) throw new Error('Expected a request that can be explained.');
    return made;
  };
  return {
    clock,
    remember: (one: ExplainedRequest) => explainer.remember(digests(one)),
    explain: (one: ExplainedRequest, isPrincipalTold = true): Promise<Explanation | undefined> =>
      explainer.explain(digests(one), { isPrincipalTold }),
  };
}

/** The digests of each list, without the times. */
const wordsOf = (found: ReadonlyMap<string, readonly string[]>): string[][] =>
  [...found.values()].map((records) => records.flatMap((record) => record.split(' ').slice(0, -1)));

describe.each(['standalone', 'cluster'] as const)('on a %s', (topology) => {
  let azure: LocalAzure;

  beforeAll(async () => {
    azure = await startLocalAzure({ topology });
  });
  afterAll(() => azure.stop());

  let opened: OpenedConnection;
  let store: AzureRedisStore;
  beforeEach(async () => {
    opened = open(azure);
    await opened.connection.whenReady(10_000);
    store = storeOf(opened);
    await store.clear();
  });

  /** Everything that Redis has, by key. */
  async function lists(): Promise<Map<string, string[]>> {
    const { client } = opened;
    const nodes = 'nodes' in client ? client.nodes('master') : [client];
    const keys = (await Promise.all(nodes.map((node) => node.keys('*')))).flat();
    const found = keys.map(async (key) => [key, await client.lrange(key, 0, -1)] as const);
    return new Map(await Promise.all(found));
  }

  it('says what differs from the nearest entry, and when that was stored', async () => {
    const { clock, remember, explain } = explaining(store);
    expect(await explain(request(chat('Hi')))).toBeUndefined();
    await remember(request(chat('Hi')));
    clock.now += 1_000;
    await remember(request(chat('Bye', { temperature: 1 })));
    clock.now += 1_000;
    const [first, second] = [new Date(START), new Date(START + 1_000)];
    const tools = [{ type: 'function', function: { name: 'add' } }];
    for (const [asked, differs, storedAt] of [
      [request(chat('Hi', { tools })), ['tools'], first],
      [request(chat('Bye', { temperature: 0 })), ['parameters'], second],
      [request(chat('Hi', { model: 'gpt-5', temperature: 2 })), ['model', 'parameters'], first],
      [request(chat('Hi', { user: 'somebody' })), [], first],
      [request(chat('Hi'), { epoch: 'epoch-1' }), ['epoch'], first],
      [request(chat('Hi'), { policy: 'private, 60 s' }), ['policy'], first],
    ] as const) {
      expect(await explain(asked)).toEqual({ differs, storedAt });
    }
  });

  it('keeps the newest 32 of each principal and route, each once, for a day', async () => {
    const { clock, remember, explain } = explaining(store);
    await remember(request(chat('question 0')));
    for (let number = 0; number < 40; number += 1) {
      clock.now += 1_000;
      await remember(request(chat(`question ${number}`)));
    }
    clock.now += 1_000;
    await remember(request(chat('question 20')));
    const found = await lists();
    expect(found.size).toBe(2);
    for (const [key, records] of found) {
      expect(records).toHaveLength(32);
      expect(new Set(records.map((record) => record.replace(/ \d+$/, ''))).size).toBe(32);
      expect(records.join('').length).toBeLessThan(6 * 1024);
      const lifetime = await opened.client.pttl(key);
      expect(lifetime).toBeGreaterThan(DAY - 60_000);
      expect(lifetime).toBeLessThanOrEqual(DAY);
    }
    // Asked again last of all.
    expect(await explain(request(chat('question 20')))).toEqual({
      differs: [],
      storedAt: new Date(START + 41_000),
    });
    // The oldest one, and the last one that had to go for the others.
    expect(await explain(request(chat('question 8')))).toMatchObject({ differs: [] });
    expect(await explain(request(chat('question 7')))).toMatchObject({ differs: ['last message'] });
  });

  it('says nothing of what is older than a day, though its list lives on', async () => {
    const { clock, remember, explain } = explaining(store);
    await remember(request(chat('Hi')));
    clock.now += DAY;
    expect(await explain(request(chat('Hi')))).toMatchObject({ differs: [] });
    clock.now += 1;
    await remember(request(chat('Bye'), { principal: 'scope:bob' }));
    expect(await explain(request(chat('Hi')))).toBeUndefined();
    await remember(request(chat('Bye')));
    expect(await explain(request(chat('Hi')))).toMatchObject({ differs: ['last message'] });
  });

  it('says of another principal that it asked the same, and nothing else', async () => {
    const { clock, remember, explain } = explaining(store);
    const bob = { principal: 'scope:bob' };
    await remember(request(chat('Hi')));
    expect(await explain(request(chat('Hi'), bob))).toEqual({
      differs: ['principal'],
      storedAt: undefined,
    });
    for (const other of [
      request(chat('Hello'), bob),
      request(chat('Hi', { model: 'gpt-5' }), bob),
      request(chat('Hi'), { ...bob, epoch: 'epoch-1' }),
      request(chat('Hi'), { ...bob, route: 'POST /v2/chat/completions' }),
    ]) {
      expect(await explain(other)).toBeUndefined();
    }

    // Its own entry of another request is further away; that of the same request is not.
    await remember(request(chat('Bye'), bob));
    expect(await explain(request(chat('Hi'), bob))).toMatchObject({ differs: ['principal'] });
    await remember(request(chat('Hi'), { ...bob, epoch: 'before' }));
    expect(await explain(request(chat('Hi'), bob))).toMatchObject({ differs: ['epoch'] });

    // An entry of its own is not taken for somebody else's, however old.
    await remember(request(chat('Mine'), bob));
    clock.now += DAY + HOUR;
    await remember(request(chat('Bye')));
    expect(await explain(request(chat('Mine'), bob))).toBeUndefined();
  });

  it('does not say it where a caller can read it', async () => {
    const { remember, explain } = explaining(store);
    await remember(request(chat('Hi')));
    const asked = request(chat('Hi'), { principal: 'scope:bob' });
    expect(await explain(asked, false)).toBeUndefined();
    await remember(request(chat('Bye'), { principal: 'scope:bob' }));
    expect(await explain(asked, false)).toMatchObject({ differs: ['last message'] });
  });

  it('leaves nothing of the request in Redis, nor what a guess can be compared with', async () => {
    const { remember } = explaining(store);
    const asked = request(chat('What is the answer?'));
    await remember(asked);
    await remember({ ...asked, principal: 'scope:bob' });
    const found = await lists();
    expect(found.size).toBe(3);
    const whole = JSON.stringify([...found]);
    const words = 'gpt-4o brief answer user model completions alice bob scope epoch private 3600';
    for (const text of words.split(' ')) {
      expect(whole).not.toContain(text);
    }
    // Two principals who ask the same have no digest in common, and the shared list has it once.
    const digests = wordsOf(found);
    expect(digests.map(({ length }) => length).toSorted((one, other) => one - other)).toEqual([
      1, 9, 9,
    ]);
    expect(new Set(digests.flat()).size).toBe(19);
    for (const key of found.keys()) expect(key).toMatch(/^cache:llm:recent:[\w-]{43}$/);

    // Who does not know the secret finds other names and other digests for the same request.
    await store.clear();
    const guessing = explaining(store, ['guess']);
    await guessing.remember(asked);
    const guessed = await lists();
    const known = new Set([...found.keys(), ...digests.flat()]);
    for (const guess of [...guessed.keys(), ...wordsOf(guessed).flat()]) {
      expect(known.has(guess)).toBe(false);
    }
    expect(guessed.size).toBe(2);
  });

  it('finds its entries by a previous secret, and takes no other for a neighbour', async () => {
    const before = explaining(store, ['old']);
    await before.remember(request(chat('Hi')));
    const after = explaining(store, ['new', 'old']);
    expect(await after.explain(request(chat('Hi')))).toBeUndefined();
    await after.remember(request(chat('Hi')));
    expect(await after.explain(request(chat('Hi')))).toMatchObject({ differs: [] });
    // The digests stay comparable when only the names have changed.
    const renamed = new Explainer({
      store,
      digest: (text) => withSecret('old', text),
      namesOf: namesWith('new', 'old'),
      now: () => START,
    });
    const digests = renamed.digestsOf(request(chat('Bye')));
    expect(digests && (await renamed.explain(digests, { isPrincipalTold: true }))).toEqual({
      differs: ['last message'],
      storedAt: new Date(START),
    });
  });

  it('keeps what many remember at the same time', async () => {
    const { remember, explain } = explaining(store);
    const numbers = Array.from({ length: 32 }, (_, number) => number);
    await Promise.all(numbers.map((number) => remember(request(chat(`question ${number % 16}`)))));
    for (const [, records] of await lists()) expect(records).toHaveLength(16);
    expect(await explain(request(chat('question 15')))).toMatchObject({ differs: [] });
  });
});

describe('when Redis is in trouble', () => {
  const troubles: [string, (azure: LocalAzure) => void | Promise<void>][] = [
    ['frozen', ({ redis }) => redis.freeze()],
    ['slow', ({ redis }) => redis.delay(2_000)],
    ['full', ({ redis }) => redis.failCommands('OOM command not allowed', 10)],
    ['killed', ({ redis }) => redis.shutdownServer()],
  ];

  it.each(troubles)('%s: nothing is explained, in time', async (_name, begin) => {
    const azure = await startLocalAzure();
    try {
      const opened = open(azure);
      await opened.connection.whenReady(10_000);
      const { remember, explain } = explaining(storeOf(opened, 250));
      await remember(request(chat('Hi')));
      expect(await explain(request(chat('Hi')))).toMatchObject({ differs: [] });
      await begin(azure);
      const startedAt = performance.now();
      await expect(remember(request(chat('Bye')))).resolves.toBeUndefined();
      expect(await explain(request(chat('Hi')))).toBeUndefined();
      // Two deadlines, and room for a busy machine.
      expect(performance.now() - startedAt).toBeLessThan(2 * 250 + 1_000);
    } finally {
      azure.redis.recover();
      await azure.stop();
    }
  });

  it('for it holds something else under a name: that is left alone', async () => {
    const azure = await startLocalAzure();
    try {
      const opened = open(azure);
      await opened.connection.whenReady(10_000);
      const { remember, explain } = explaining(storeOf(opened));
      await remember(request(chat('Hi')));
      const keys = await opened.client.keys('*');
      for (const key of keys) await opened.client.set(key, 'text');
      await remember(request(chat('Hi')));
      expect(await explain(request(chat('Hi')))).toBeUndefined();
      expect(await opened.client.mget(keys)).toEqual(keys.map(() => 'text'));
    } finally {
      await azure.stop();
    }
  });
});
