import { setTimeout as sleep } from 'node:timers/promises';
import {
  Body,
  Controller,
  Header,
  Headers,
  HttpCode,
  Injectable,
  Inject,
  Post,
  type INestApplication,
} from '@nestjs/common';
import { LlmCache, LlmCacheService, type AzureRedisClient } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { startCachedApp } from '../../fixtures/cached-app.js';
import { eventually } from '../../fixtures/eventually.js';
import { seededRandom } from '../../unit/testing/seeded-random.js';
import {
  chatChoice,
  chatChunk,
  chatDelta,
  chatFrames,
  chatJson,
  DONE,
  requestFor,
} from './sample-answers.js';

const REQUESTS = 10_000;
const IN_FLIGHT = 50;
const SEED = 20_260_927;

/** How each of them says who it is, and what only its own answers contain. */
const PRINCIPALS: readonly [Principal, ...Principal[]] = [
  { secret: 'alice', headers: { authorization: 'Bearer alice' } },
  { secret: 'bob', headers: { 'api-key': 'bob' } },
  { secret: 'carol', headers: { cookie: 'session=carol' } },
  { secret: 'nobody', headers: {} },
];

interface Principal {
  readonly secret: string;
  readonly headers: Readonly<Record<string, string>>;
}

const PROMPTS = ['one', 'two', 'drei 👋', 'a "quoted" one', 'x'.repeat(3_000)] as const;

type Sent = Readonly<Record<string, string | undefined>>;

const secretOf = ({ authorization, 'api-key': apiKey, cookie }: Sent): string =>
  authorization?.replace('Bearer ', '') ?? apiKey ?? cookie?.replace('session=', '') ?? 'nobody';

const contentOf = (secret: string, prompt: string): string => `for ${secret}, on ${prompt}`;

interface Question {
  readonly messages: readonly [{ readonly content: string }];
}

const contentFor = (sent: Sent, { messages: [{ content }] }: Question): string =>
  contentOf(secretOf(sent), content);

/** One for everybody, as a model is. */
@Injectable()
class Upstream {
  readonly #random = seededRandom(SEED + 1);
  calls = 0;

  async think(): Promise<void> {
    this.calls += 1;
    await sleep(this.#random.below(4));
  }
}

@Controller()
@LlmCache()
class GatewayController {
  readonly #upstream: Upstream;

  constructor(@Inject(Upstream) upstream: Upstream) {
    this.#upstream = upstream;
  }

  @Post('json/chat/completions')
  @HttpCode(200)
  async json(@Headers() sent: Sent, @Body() question: Question): Promise<object> {
    await this.#upstream.think();
    return chatJson([chatChoice(contentFor(sent, question))]);
  }

  @Post('stream/chat/completions')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  async *stream(@Headers() sent: Sent, @Body() question: Question): AsyncGenerator<string> {
    for (const frame of chatFrames(contentFor(sent, question).match(/.{1,100}/gsu) ?? [])) {
      if (frame === DONE) await this.#upstream.think();
      yield frame;
    }
  }
}

let azure: LocalAzure;
let app: INestApplication;
let redis: AzureRedisClient;
let url = '';

beforeAll(async () => {
  azure = await startLocalAzure();
  ({ app, redis, url } = await startCachedApp(azure, {
    cache: { deadlineMs: 250 },
    controllers: [GatewayController],
    providers: [Upstream],
  }));
}, 60_000);

afterAll(async () => {
  await app.close();
  await azure.stop();
});

/** The text of a whole answer; throws on anything that is none. */
function contentIn(text: string, isStream: boolean): string {
  const deltas = isStream
    ? dataOf(text).map((data) => part(data, 'delta'))
    : [part(text, 'message')];
  return deltas.join('');
}

function dataOf(text: string): readonly string[] {
  if (!text.endsWith(DONE)) throw new Error('No [DONE].');
  return text
    .slice(0, -DONE.length)
    .split('\n\n')
    .filter((frame) => frame !== '')
    .map((frame) => frame.replace(/^data: /, ''));
}

function part(json: string, name: 'delta' | 'message'): string {
  interface Answer {
    readonly choices: readonly Partial<
      Record<'delta' | 'message', { readonly content?: string }>
    >[];
  }
  const { choices } = JSON.parse(json) as Answer;
  return choices.map((choice) => choice[name]?.content ?? '').join('');
}

async function damageOne(random: ReturnType<typeof seededRandom>): Promise<void> {
  const keys = (await redis.keys('*:llm:v3:*')).toSorted();
  const key = keys[random.below(keys.length)];
  if (key === undefined) return;
  const length = await redis.strlen(key);
  const at = random.below(length);
  const [byte = 0] = (await redis.getrangeBuffer(key, at, at)) ?? [];
  await redis.setrange(key, at, Buffer.from([byte ^ (1 << random.below(8))]));
}

/** One trouble after the other until the end; each is over within a second. */
async function trouble(isOver: () => boolean): Promise<Readonly<Record<string, number>>> {
  const random = seededRandom(SEED + 2);
  const { redis: front } = azure;
  const faults: Readonly<Record<string, () => Promise<void> | void>> = {
    reset: () => front.kill('rst'),
    refuse: async () => {
      front.refuse();
      await sleep(150);
      front.recover();
    },
    slow: async () => {
      front.delay(random.below(300));
      await sleep(150);
      front.recover();
    },
    damage: async () => {
      for (let count = 0; count < 30; count += 1) await damageOne(random);
    },
    flush: async () => {
      await redis.flushall();
    },
    restart: () => front.restartServer(),
    calm: () => sleep(200),
  };
  const names = Object.keys(faults);
  const done: Record<string, number> = {};
  for (let round = 0; !isOver(); round += 1) {
    const name = names[round % names.length] ?? 'calm';
    try {
      await faults[name]?.();
      done[name] = (done[name] ?? 0) + 1;
    } catch {
      // Redis is away, which is what this is about.
    }
    await sleep(50 + random.below(100));
  }
  front.recover();
  return done;
}

it(
  'nobody ever gets the answer of another one, or to another question, whatever happens to Redis',
  { timeout: 120_000 },
  async () => {
    const random = seededRandom(SEED);
    const wrong: string[] = [];
    let asked = 0;
    let collapsed = 0;
    let hits = 0;

    const ask = async (): Promise<void> => {
      const { secret, headers } = random.pick(PRINCIPALS);
      const prompt = random.pick(PROMPTS);
      const isStream = random.below(2) === 1;
      const response = await fetch(`${url}/${isStream ? 'stream' : 'json'}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(requestFor({ api: 'openai-chat', isStream }, prompt)),
        signal: AbortSignal.timeout(20_000),
      });
      const content = contentIn(await response.text(), isStream);
      if (response.status !== 200) wrong.push(`${secret}: status ${response.status}`);
      if (content !== contentOf(secret, prompt)) wrong.push(`${secret}, ${prompt}: ${content}`);
      if (response.headers.get('x-cache') === 'HIT') hits += 1;
      if (response.headers.get('cache-status')?.includes('collapsed') === true) collapsed += 1;
    };

    const askOn = async (): Promise<void> => {
      while (asked < REQUESTS) {
        asked += 1;
        await ask().catch((error: unknown) => wrong.push(String(error)));
      }
    };

    let isOver = false;
    const troubles = trouble(() => isOver);
    await Promise.all(Array.from({ length: IN_FLIGHT }, askOn));
    isOver = true;
    const done = await troubles;

    expect(wrong.slice(0, 10), `${wrong.length} in all`).toEqual([]);
    expect(hits).toBeGreaterThan(REQUESTS / 20);
    expect(collapsed).toBeGreaterThan(0);
    expect(app.get(Upstream).calls + hits + collapsed).toBe(REQUESTS);
    expect(app.get(LlmCacheService).stats).toMatchObject({
      hits: expect.any(Number),
      notStored: {},
    });
    expect(Object.keys(done).toSorted()).toEqual(
      ['calm', 'damage', 'flush', 'refuse', 'reset', 'restart', 'slow'].toSorted(),
    );
  },
);

it('an entry that was copied to the key of another principal is no answer there', async () => {
  await eventually('Redis is ready', () => redis.status === 'ready');
  await emptyRedis(redis);
  const prompt = 'the same';
  const ask = async ({ headers }: Principal): Promise<string> => {
    const response = await fetch(`${url}/json/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(requestFor({ api: 'openai-chat', isStream: false }, prompt)),
    });
    const content = contentIn(await response.text(), false);
    await redis.ping();
    return content;
  };
  for (const principal of PRINCIPALS) {
    expect(await ask(principal)).toBe(contentOf(principal.secret, prompt));
  }
  const keys = await redis.keys('*:llm:v3:*');
  expect(keys).toHaveLength(PRINCIPALS.length);
  const [first = ''] = keys;
  for (const key of keys.slice(1)) await redis.copy(first, key, 'REPLACE');
  for (const principal of PRINCIPALS) {
    expect(await ask(principal)).toBe(contentOf(principal.secret, prompt));
  }
});

it('frames of an own shape are what the principal test reads', () => {
  const frames = [
    chatChunk([chatDelta({ content: 'a' })]),
    chatChunk([chatDelta({}, 'stop')]),
    DONE,
  ];
  expect(contentIn(frames.join(''), true)).toBe('a');
  expect(() => contentIn(frames.slice(0, -1).join(''), true)).toThrow('[DONE]');
});
