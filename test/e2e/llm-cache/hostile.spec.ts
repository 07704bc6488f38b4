import { once } from 'node:events';
import { createServer, ServerResponse, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import {
  Controller,
  HttpCode,
  Inject,
  Injectable,
  Post,
  RequestMethod,
  Res,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  AzureRedisModule,
  getAzureRedisToken,
  LlmCache,
  LlmCacheService,
  type AzureRedisClient,
} from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { concat, defer, from, of, throwError, type Observable } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import {
  cutsOf,
  goodAnswers,
  PATHS,
  piecesOf,
  requestFor,
  unwantedAnswers,
  withoutPersonal,
  type Api,
  type SampleAnswer,
} from './sample-answers.js';

const MAX_ENTRY_BYTES = 32 * 1024;

/** What the model does in its next calls. */
interface Play {
  readonly pieces: readonly Buffer[];
  /** After the last piece. */
  readonly fails: boolean;
  readonly type: string;
  readonly status: number;
  /** What HTTP says of the whole body. */
  readonly length: number;
  /** `Content-Encoding` */
  readonly encoding?: string;
}

const NOTHING: Play = { pieces: [], fails: false, type: 'text/plain', status: 200, length: 0 };

/** The part of Express' and Fastify's response that is the same. */
interface AnyResponse {
  readonly raw?: unknown;
  status(code: number): AnyResponse;
  header(name: string, value: string): AnyResponse;
  send(body: unknown): void;
}

@Injectable()
class Model {
  calls = 0;
  play: Play = NOTHING;
  /** Held before each piece but the first. */
  gate: Promise<unknown> = Promise.resolve();

  begin(response?: AnyResponse): Play {
    this.calls += 1;
    const { play } = this;
    response?.status(play.status).header('content-type', play.type);
    if (play.encoding !== undefined) response?.header('content-encoding', play.encoding);
    return play;
  }

  async *bytes({ pieces, fails }: Play): AsyncGenerator<Buffer> {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await this.gate;
      yield piece;
      await turn();
    }
    if (fails) throw new Error('The model has failed.');
  }

  async *texts(play: Play): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for await (const piece of this.bytes(play)) yield decoder.decode(piece, { stream: true });
  }
}

const textOf = ({ pieces }: Play): string => Buffer.concat([...pieces]).toString();

function valueOf(play: Play): unknown {
  const text = textOf(play);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const encodingOf = ({ encoding }: Play): Record<string, string> =>
  encoding === undefined ? {} : { 'content-encoding': encoding };

const failure = (): Error => new Error('The model has failed.');

/** Every way to answer; the path tells which. */
@Controller()
@LlmCache()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('value/:version/:call')
  async value(@Res({ passthrough: true }) response: AnyResponse): Promise<unknown> {
    const play = this.#model.begin(response);
    if (play.fails) throw failure();
    return valueOf(play);
  }

  @Post('observable/:version/:call')
  observable(@Res({ passthrough: true }) response: AnyResponse): Observable<unknown> {
    const play = this.#model.begin(response);
    return play.fails ? concat(of(valueOf(play)), throwError(failure)) : of(valueOf(play));
  }

  @Sse('sse/:version/:call', { method: RequestMethod.POST })
  @HttpCode(200)
  sse(): Observable<object> {
    const play = this.#model.begin();
    const blocks = textOf(play)
      .split('\n\n')
      .filter((block) => block !== '');
    const events = from(
      blocks.map((block) => {
        const [, type] = /^event: (.*)$/m.exec(block) ?? [];
        const [, data = ''] = /^data: (.*)$/m.exec(block) ?? [];
        return { data, ...(type !== undefined && { type }) };
      }),
    );
    return defer(() => (play.fails ? concat(events, throwError(failure)) : events));
  }

  @Post('generator-of-texts/:version/:call')
  texts(@Res({ passthrough: true }) response: AnyResponse): AsyncGenerator<string> {
    return this.#model.texts(this.#model.begin(response));
  }

  @Post('generator-of-bytes/:version/:call')
  bytes(@Res({ passthrough: true }) response: AnyResponse): AsyncGenerator<Buffer> {
    return this.#model.bytes(this.#model.begin(response));
  }

  @Post('web-stream/:version/:call')
  webStream(@Res({ passthrough: true }) response: AnyResponse): ReadableStream<Uint8Array> {
    return ReadableStream.from(this.#model.bytes(this.#model.begin(response)));
  }

  @Post('Response/:version/:call')
  response(): Response {
    const play = this.#model.begin();
    const { status, type } = play;
    const body = ReadableStream.from(this.#model.bytes(play));
    const headers = { 'content-type': type, ...encodingOf(play) };
    return new Response(body, { status, headers });
  }

  @Post('Readable/:version/:call')
  readable(@Res({ passthrough: true }) response: AnyResponse): Readable {
    return Readable.from(this.#model.bytes(this.#model.begin(response)), { objectMode: false });
  }

  @Post('StreamableFile/:version/:call')
  file(@Res({ passthrough: true }) response: AnyResponse): StreamableFile {
    const play = this.#model.begin(response);
    return new StreamableFile(Readable.from(this.#model.bytes(play)), { type: play.type });
  }

  @Post('written-to-res/:version/:call')
  async writes(@Res() response: AnyResponse): Promise<void> {
    const play = this.#model.begin();
    const { raw = response } = response;
    if (!(raw instanceof ServerResponse)) throw new TypeError('Expected a response of Node.');
    await writeTo(raw, play, this.#model);
  }

  @Post('sent-to-res/:version/:call')
  async sends(@Res() response: AnyResponse): Promise<void> {
    const play = this.#model.begin(response);
    if (play.fails) throw failure();
    response.send(textOf(play));
  }
}

async function writeTo(
  response: ServerResponse,
  play: Play,
  model: Model,
  headers: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  response.writeHead(play.status, { 'content-type': play.type, ...encodingOf(play), ...headers });
  try {
    for await (const piece of model.bytes(play)) response.write(piece);
    response.end();
  } catch {
    // A reset, because a mere end may be that of a body without a length.
    response.socket?.resetAndDestroy();
  }
}

interface Heard {
  readonly status: number;
  readonly text: string;
  readonly type: string | null;
  readonly cache: string | null;
  readonly cacheStatus: string | null;
}

/** One way into the cache: a Nest app, or `fetch`. */
interface Door {
  readonly model: Model;
  readonly redis: AzureRedisClient;
  ask(kind: string, api: Api, body: object, signal?: AbortSignal): Promise<Response>;
  /** At any path. */
  askAt(path: string, body: object): Promise<Response>;
  /** What the statistics say. */
  stored(): number;
  close(): Promise<void>;
}

const JSON_KINDS = ['value', 'observable', 'sent-to-res'];
const STREAM_KINDS = ['sse'];
const KINDS_OF_BOTH = [
  'generator-of-texts',
  'generator-of-bytes',
  'web-stream',
  'Response',
  'Readable',
  'StreamableFile',
  'written-to-res',
];
/** How an upstream tells where its body ends. */
const FETCH_KINDS = ['chunked', 'content-length', 'until-it-closes'];

const canAnswer = (kind: string, isStream: boolean): boolean =>
  isStream ? !JSON_KINDS.includes(kind) : !STREAM_KINDS.includes(kind);

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

async function startApp(platform: 'express' | 'fastify', namespace: string) {
  const testing = await Test.createTestingModule({
    imports: [
      AzureRedisModule.forRoot({
        ...azure.connection,
        credential: azure.credential,
        cache: {
          namespace,
          deadlineMs: 5_000,
          // Compressed in a thread, entries would be written some time after their answers.
          llm: { maxEntryBytes: MAX_ENTRY_BYTES, compressAboveBytes: Infinity },
        },
      }),
    ],
    controllers: [ModelController],
    providers: [Model],
  }).compile();
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = testing.createNestApplication(adapter, {
    logger: false,
    forceCloseConnections: true,
  });
  await app.listen(0, '127.0.0.1');
  const redis = app.get<AzureRedisClient>(getAzureRedisToken());
  await eventually('Redis is ready', () => redis.status === 'ready');
  return { app, redis, url: await app.getUrl(), model: app.get(Model) };
}

const post = (body: object, signal: AbortSignal = AbortSignal.timeout(10_000)): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  signal,
});

async function openRoutes(platform: 'express' | 'fastify'): Promise<Door> {
  const { app, redis, url, model } = await startApp(platform, platform);
  return {
    model,
    redis,
    ask: (kind, api, body, signal) => fetch(`${url}/${kind}/${PATHS[api]}`, post(body, signal)),
    askAt: (path, body) => fetch(`${url}/${path}`, post(body)),
    stored: () => app.get(LlmCacheService).stats.stored,
    close: () => app.close(),
  };
}

async function openFetch(): Promise<Door> {
  const { app, redis, model } = await startApp('express', 'fetch');
  const upstream: Server = createServer((request, response) => {
    const [, kind = ''] = (request.url ?? '').split('/');
    const play = model.begin();
    const headers = kind === 'content-length' ? { 'content-length': play.length } : {};
    if (kind === 'until-it-closes') {
      response.useChunkedEncodingByDefault = false;
      response.shouldKeepAlive = false;
    }
    request.resume();
    void writeTo(response, play, model, headers).then(() => {
      const sent = play.pieces.reduce((sum, piece) => sum + piece.length, 0);
      // In order, and too early.
      if (kind === 'content-length' && sent < play.length) response.socket?.end();
    });
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const ask = app.get(LlmCacheService).fetch;
  return {
    model,
    redis,
    ask: (kind, api, body, signal) =>
      ask(`http://127.0.0.1:${port}/${kind}/${PATHS[api]}`, post(body, signal)),
    askAt: (path, body) => ask(`http://127.0.0.1:${port}/${path}`, post(body)),
    stored: () => app.get(LlmCacheService).stats.stored,
    close: async () => {
      await app.close();
      upstream.closeAllConnections();
      upstream.close();
    },
  };
}

let asked = 0;
const newQuestion = (): string => `question ${(asked += 1)}`;

const typeOf = ({ isStream }: SampleAnswer): string =>
  isStream ? 'text/event-stream' : 'application/json';

function playOf(sample: SampleAnswer, more: Partial<Play> = {}): Play {
  const whole = piecesOf(sample);
  const length = whole.reduce((sum, piece) => sum + piece.length, 0);
  return { ...NOTHING, pieces: whole, type: typeOf(sample), length, ...more };
}

/** `undefined` for what never came to its end. */
async function hear(answer: Promise<Response>): Promise<Heard | undefined> {
  try {
    const { status, headers, ...rest } = await withText(answer);
    return {
      status,
      ...rest,
      type: headers.get('content-type'),
      cache: headers.get('x-cache'),
      cacheStatus: headers.get('cache-status'),
    };
  } catch {
    return undefined;
  }
}

async function withText(answer: Promise<Response>) {
  const response = await answer;
  const { status, headers } = response;
  return { status, headers, text: await response.text() };
}

/** Redis answers in order, so whatever was written is there. */
async function entries({ redis }: Door): Promise<readonly string[]> {
  await turn();
  await redis.ping();
  return redis.keys('*:llm:v3:*');
}

/** Of one answer; vectors have one for each input, where the answer can be put together. */
function entriesOf(kind: string, { api }: SampleAnswer): number {
  const isRaw = kind === 'written-to-res' || kind === 'sent-to-res';
  return api === 'openai-embeddings' && !isRaw ? 2 : 1;
}

/** Asks the same twice, and tells all that looks as if the first answer had been kept. */
async function keptOf(
  door: Door,
  kind: string,
  sample: SampleAnswer,
  play: Play,
): Promise<readonly string[]> {
  const { model } = door;
  const body = requestFor(sample, newQuestion());
  const kept: string[] = [];
  for (const round of [1, 2]) {
    Object.assign(model, { play, calls: 0 });
    const heard = await hear(door.ask(kind, sample.api, body));
    if (model.calls !== 1) kept.push(`round ${round}: ${model.calls} calls`);
    if (heard?.cache === 'HIT') kept.push(`round ${round}: a hit`);
    const keys = await entries(door);
    if (keys.length > 0) {
      kept.push(`round ${round}: ${keys.length} entries`);
      await door.redis.unlink(...keys);
    }
  }
  return kept;
}

/**
 * Where a body has nothing more to come, a failure is nothing that a client could see: all of its
 * length was there, or (as undici has it) a reset is as good an end as any.
 */
const endsOf = (kind: string, whole: number): readonly number[] =>
  kind === 'content-length' || kind === 'until-it-closes' ? [] : [whole];

/** Many are the same defect. */
function expectNothing(kept: readonly string[]): void {
  expect(kept.slice(0, 10).join('\n'), `${kept.length} in all`).toBe('');
}

const DOORS = [
  ['express', () => openRoutes('express'), [...JSON_KINDS, ...STREAM_KINDS, ...KINDS_OF_BOTH]],
  ['fastify', () => openRoutes('fastify'), [...JSON_KINDS, ...STREAM_KINDS, ...KINDS_OF_BOTH]],
  ['LlmCacheService.fetch', openFetch, FETCH_KINDS],
] as const;

describe.each(DOORS)('%s', (_name, open, kinds) => {
  let door: Door;
  beforeAll(async () => {
    door = await open();
  }, 60_000);
  afterAll(() => door.close());

  beforeEach(async () => {
    await emptyRedis(door.redis);
    door.model.gate = Promise.resolve();
  });

  describe.each(kinds)('%s', (kind) => {
    const samples = goodAnswers().filter(({ isStream }) => canAnswer(kind, isStream));

    it.each(samples)('stores a whole answer, and replays its bytes: $name', async (sample) => {
      const body = requestFor(sample, newQuestion());
      Object.assign(door.model, { play: playOf(sample), calls: 0 });
      const first = await hear(door.ask(kind, sample.api, body));
      expect(await entries(door)).toHaveLength(entriesOf(kind, sample));
      const second = await hear(door.ask(kind, sample.api, body));
      expect(door.model.calls).toBe(1);
      expect(second?.status).toBe(200);
      expect(withoutPersonal(second?.text ?? '')).toBe(first?.text);
      // Nest puts numbers and line feeds of its own between the events of @Sse().
      const dataOf = (text = ''): unknown => text.match(/^(event|data): .+$/gm);
      const read = kind === 'sse' ? dataOf : (text = ''): unknown => text;
      expect(read(first?.text)).toEqual(read(sample.frames.join('')));
    });

    it.each(samples.filter(({ api }) => api !== 'openai-embeddings'))(
      'keeps the media type to the letter: $name',
      async (sample) => {
        const body = requestFor(sample, newQuestion());
        Object.assign(door.model, { play: playOf(sample) });
        const first = await hear(door.ask(kind, sample.api, body));
        const second = await hear(door.ask(kind, sample.api, body));
        expect(second?.type).toBe(first?.type);
      },
    );

    it('stores no answer that was cut, wherever and however', { timeout: 60_000 }, async () => {
      const kept: string[] = [];
      for (const sample of samples) {
        const whole = playOf(sample).length;
        for (const fails of [false, true]) {
          for (const cut of fails ? [...cutsOf(sample), ...endsOf(kind, whole)] : cutsOf(sample)) {
            const play = playOf(sample, { pieces: piecesOf(sample, cut), fails });
            for (const how of await keptOf(door, kind, sample, play)) {
              kept.push(`${sample.name}, ${cut} of ${whole} bytes, fails: ${fails}: ${how}`);
            }
          }
        }
      }
      expectNothing(kept);
    });

    it('stores nothing that the model did not finish, refused, or left empty', async () => {
      const kept: string[] = [];
      for (const sample of unwantedAnswers()) {
        if (!canAnswer(kind, sample.isStream)) continue;
        for (const how of await keptOf(door, kind, sample, playOf(sample))) {
          kept.push(`${sample.name}: ${how}`);
        }
      }
      expectNothing(kept);
    });

    it('stores no answer with another status than 200 and 201', async () => {
      const kept: string[] = [];
      // Nest has sent the status of @Sse() before its handler begins.
      for (const sample of kind === 'sse' ? [] : samples) {
        for (const status of [202, 206, 400, 429, 503]) {
          for (const how of await keptOf(door, kind, sample, playOf(sample, { status }))) {
            kept.push(`${sample.name}, ${status}: ${how}`);
          }
        }
      }
      expectNothing(kept);
    });

    it('passes on whole what is over-long, and does not store it', async () => {
      const kept: string[] = [];
      const words = Array.from({ length: 40 }, (_, index) => `word ${index} ${'x'.repeat(1_000)} `);
      for (const sample of goodAnswers(words)) {
        // Vectors are stored one by one.
        if (sample.api === 'openai-embeddings' || !canAnswer(kind, sample.isStream)) continue;
        const play = playOf(sample);
        const question = requestFor(sample, newQuestion());
        Object.assign(door.model, { play });
        const heard = await hear(door.ask(kind, sample.api, question));
        const [lastWord = ''] = /word 39 /.exec(heard?.text ?? '') ?? [];
        if (lastWord === '') kept.push(`${sample.name}: not passed on whole`);
        for (const how of await keptOf(door, kind, sample, play)) {
          kept.push(`${sample.name}: ${how}`);
        }
      }
      expectNothing(kept);
    });

    async function expectNotForTheOther(isStream: boolean): Promise<void> {
      const kept: string[] = [];
      for (const sample of samples) {
        if (sample.api === 'openai-embeddings' || sample.isStream !== isStream) continue;
        const request = { ...sample, isStream: !isStream };
        for (const how of await keptOf(door, kind, request, playOf(sample))) {
          kept.push(`${sample.name}: ${how}`);
        }
      }
      expectNothing(kept);
    }

    it('never stores JSON for a request for a stream', () => expectNotForTheOther(false));

    // @Sse() answers by events whatever it is asked.
    it.each(kind === 'sse' ? [] : [kind])('never stores events for a request for JSON', () =>
      expectNotForTheOther(true),
    );

    it.each([false, true])(
      'stores nothing when its caller has gone and the rest is cut, failing: %s',
      async (fails) => {
        const kept: string[] = [];
        for (const sample of samples.filter(({ isStream }) => isStream)) {
          if (kind === 'sse') continue;
          const length = playOf(sample).length - 30;
          let goOn: () => void = () => undefined;
          const gate = new Promise<void>((resolve) => {
            goOn = resolve;
          });
          const play = playOf(sample, { pieces: piecesOf(sample, length), fails });
          Object.assign(door.model, { play, calls: 0, gate });
          const gone = new AbortController();
          const body = requestFor(sample, newQuestion());
          const answer = hear(door.ask(kind, sample.api, body, gone.signal));
          await eventually('the model was asked', () => door.model.calls === 1);
          await sleep(15);
          gone.abort();
          expect(await answer).toBeUndefined();
          goOn();
          await sleep(15);
          if ((await entries(door)).length > 0) kept.push(sample.name);
        }
        expectNothing(kept);
      },
    );
  });
});

describe.each(['express', 'fastify'] as const)('on any route on %s', (platform) => {
  let door: Door;
  beforeAll(async () => {
    door = await openRoutes(platform);
  }, 60_000);
  afterAll(() => door.close());
  beforeEach(async () => {
    await emptyRedis(door.redis);
  });

  it('an answer that is encoded is not given to others without its encoding', async () => {
    const pieces = [gzipSync('a text that nobody can read')];
    const play: Play = { ...NOTHING, pieces, encoding: 'gzip' };
    const kept: string[] = [];
    for (const kind of KINDS_OF_BOTH) {
      // Which would be no texts.
      if (kind === 'generator-of-texts') continue;
      const question = { question: newQuestion() };
      Object.assign(door.model, { play });
      const texts = [];
      for (let round = 1; round <= 2; round += 1) {
        const heard = await hear(door.askAt(`${kind}/v1/anything`, question));
        await entries(door);
        texts.push(heard?.text);
      }
      if (new Set(texts).size > 1 || texts[0] === undefined)
        kept.push(`${kind}: ${texts.join(', ')}`);
    }
    expectNothing(kept);
  });

  it('an answer with fewer choices than were asked for is not stored', async () => {
    const kept: string[] = [];
    for (const sample of goodAnswers()) {
      if (sample.api !== 'openai-chat') continue;
      const body = { ...requestFor(sample, newQuestion()), n: 2 };
      Object.assign(door.model, { play: playOf(sample) });
      await hear(door.ask('generator-of-bytes', sample.api, body));
      if ((await entries(door)).length > 0) kept.push(sample.name);
      await emptyRedis(door.redis);
    }
    expectNothing(kept);
  });

  it.each(['value', 'generator-of-bytes', 'Response'])(
    'does not claim to have stored vectors that it did not store: %s',
    async (kind) => {
      const [sample] = unwantedAnswers().filter(({ name }) => name.includes('fewer vectors'));
      if (sample === undefined) throw new Error('Expected such a sample.');
      Object.assign(door.model, { play: playOf(sample) });
      const before = door.stored();
      const heard = await hear(door.ask(kind, sample.api, requestFor(sample, newQuestion())));
      expect(await entries(door)).toEqual([]);
      expect(heard?.cacheStatus).not.toContain('stored');
      expect(door.stored() - before).toBe(0);
    },
  );
});
