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
} from '@nestjs/common';
import { LlmCache, type LlmCacheOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS, type Platform } from '../../fixtures/gateway-app.js';

const CALLERS = 1_000;
const FRAMES = 20;
/** With a mark of its end, so that the rest of an answer can be told from all of it. */
const STREAM = 'chat/completions';

/** What a model server would do: how often it was asked, and when it goes on. */
@Injectable()
class Model {
  calls = 0;
  stopped = 0;
  failures = 0;
  /** Frames that may be sent. */
  open = FRAMES;

  async *answer(padding = ''): AsyncGenerator<string> {
    const call = ++this.calls;
    try {
      for (let frame = 0; frame < FRAMES; frame += 1) {
        while (frame >= this.open) await sleep(5);
        if (this.failures > 0) {
          this.failures -= 1;
          throw new HttpException('The model is overloaded.', 503);
        }
        const finish_reason = frame === FRAMES - 1 ? 'stop' : null;
        const choices = [{ index: 0, delta: { content: 'word ' }, finish_reason }];
        yield `data: ${JSON.stringify({ call, frame, padding, choices })}\n\n`;
        await sleep(1);
      }
      yield 'data: [DONE]\n\n';
    } finally {
      this.stopped += 1;
    }
  }
}

class Answered {
  constructor(readonly length: number) {}
}

@Controller()
@LlmCache()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('json')
  @HttpCode(200)
  async json(): Promise<object> {
    const frames: string[] = [];
    for await (const frame of this.#model.answer()) frames.push(frame);
    return { frames };
  }

  /** No plain JSON: an interceptor around the cache may still make something else of it. */
  @Post('instance')
  @HttpCode(200)
  async instance(): Promise<object> {
    let length = 0;
    for await (const frame of this.#model.answer()) length += frame.length;
    return new Answered(length);
  }

  @Post(STREAM)
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  stream(@Body() { padding = 0 }: { padding?: number }): AsyncGenerator<string> {
    return this.#model.answer('x'.repeat(padding));
  }
}

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

interface Application extends Pick<CachedApp, 'app' | 'cache' | 'redis' | 'logger'> {
  readonly model: Model;
  post(path: string, body: object, signal?: AbortSignal): Promise<Response>;
  text(path: string, body: object): Promise<string>;
}

async function start(platform: Platform, llm: LlmCacheOptions = {}): Promise<Application> {
  const cachedApp = await startCachedApp(azure, {
    platform,
    cache: { namespace: platform, llm },
    controllers: [ModelController],
    providers: [Model],
  });
  const { app, url, cache, redis, logger } = cachedApp;
  const post = (path: string, body: object, signal?: AbortSignal): Promise<Response> =>
    fetch(`${url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  return {
    app,
    cache,
    redis,
    logger,
    model: app.get(Model),
    post,
    text: async (path, body) => (await post(path, body)).text(),
  };
}

/** A body that nobody has asked before. */
let asked = 0;
const newQuestion = (more: object = {}): object => ({
  stream: true,
  messages: [],
  seed: (asked += 1),
  ...more,
});

describe.each(PLATFORMS)('one call for all on %s', (platform) => {
  let application: Application;
  beforeAll(async () => {
    application = await start(platform);
  }, 30_000);
  afterAll(() => application.app.close());
  beforeEach(() => {
    const { model } = application;
    Object.assign(model, { calls: 0, stopped: 0, failures: 0, open: FRAMES });
  });

  it.each(['json', STREAM])(
    `${CALLERS} callers at once get one and the same answer: %s`,
    { timeout: 60_000 },
    async (path) => {
      const { model, text } = application;
      const question = newQuestion();
      const texts = await Promise.all(Array.from({ length: CALLERS }, () => text(path, question)));
      expect(model.calls).toBe(1);
      expect(new Set(texts).size).toBe(1);
      expect(texts[0]).toContain(`frame${path === 'json' ? '\\' : ''}":${FRAMES - 1}`);
    },
  );

  it('callers do not queue up for an answer that cannot be shared', async () => {
    const { model, text } = application;
    const question = newQuestion();
    model.open = 0;
    const texts = Array.from({ length: 5 }, () => text('instance', question));
    await eventually('one leads', () => model.calls === 1);
    await sleep(50);
    model.open = FRAMES;
    await eventually('the others call together', () => model.calls === 5 || model.stopped > 1);
    expect(model.calls).toBe(5);
    await Promise.all(texts);
  });

  it('a late caller gets the stream from its beginning, and then live', async () => {
    const { model, post, text } = application;
    const question = newQuestion();
    model.open = 10;
    const first = text(STREAM, question);
    await eventually('the first frames', () => model.calls === 1);
    await sleep(100);
    const late = await post(STREAM, question);
    expect(late.headers.get('cache-status')).toBe('LlmCache; fwd=miss; collapsed');
    const reader = late.body?.pipeThrough(new TextDecoderStream()).getReader();
    let received = '';
    while (!received.includes('"frame":9')) received += (await reader?.read())?.value ?? '';
    expect(received).toMatch(/^data: \{"call":1,"frame":0/);
    expect(received).not.toContain('"frame":10');
    model.open = FRAMES;
    for (;;) {
      const { done = true, value = '' } = (await reader?.read()) ?? {};
      received += value;
      if (done) break;
    }
    expect(received).toBe(await first);
    expect(model.calls).toBe(1);
  });

  it('callers who vanish harm nobody, not even the first', async () => {
    const { model, post, text, logger } = application;
    const logged = logger.lines.length;
    const question = newQuestion();
    model.open = 0;
    const gone = [new AbortController(), new AbortController()];
    const vanishing = gone.map(({ signal }) =>
      post(STREAM, question, signal)
        .then((response) => response.text())
        .catch(() => 'gone'),
    );
    await eventually('the leader has begun', () => model.calls === 1);
    const staying = text(STREAM, question);
    await sleep(100);
    for (const controller of gone) controller.abort();
    expect(await Promise.all(vanishing)).toEqual(['gone', 'gone']);
    await sleep(100);
    model.open = FRAMES;
    expect(await staying).toContain(`"frame":${FRAMES - 1}`);
    expect(model.calls).toBe(1);
    expect(logger.lines.slice(logged)).toEqual([]);
  });

  it('an answer that its only caller has left is completed and stored', async () => {
    const { model, post } = application;
    const question = newQuestion();
    model.open = 5;
    const gone = new AbortController();
    const vanishing = post(STREAM, question, gone.signal).then((response) => response.text());
    await eventually('it has begun', () => model.calls === 1);
    await sleep(50);
    gone.abort();
    await expect(vanishing).rejects.toThrow(/aborted/);
    await sleep(50);
    model.open = FRAMES;
    await eventually('it is a hit', async () => {
      const response = await post(STREAM, question);
      await response.text();
      return response.headers.get('x-cache') === 'HIT';
    });
    expect(model.calls).toBe(1);
  });

  it('a caller who does not read holds up nobody else', async () => {
    const { model, post, text } = application;
    const question = newQuestion({ padding: 20_000 });
    // Nobody reads this body: after some hundred kilobytes its socket takes no more.
    const slow = await post(STREAM, question);
    expect(await text(STREAM, question)).toContain(`"frame":${FRAMES - 1}`);
    expect(await slow.text()).toContain(`"frame":${FRAMES - 1}`);
    expect(model.calls).toBe(1);
  });

  it.each(['json', STREAM])(
    'a failure of the first is not that of the others: %s',
    async (path) => {
      const { model, post } = application;
      const question = newQuestion();
      model.failures = 1;
      model.open = 0;
      const responses = Array.from({ length: 20 }, () => post(path, question));
      await eventually('one leads', () => model.calls === 1);
      await sleep(100);
      model.open = FRAMES;
      const answers = await Promise.all(responses);
      const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses).toEqual([...Array<number>(19).fill(200), 503]);
      await Promise.all(answers.map((answer) => answer.text()));
      // The one that failed, and one for all others.
      expect(model.calls).toBe(2);
    },
  );
});

describe('limits', () => {
  async function startLimited(llm: LlmCacheOptions): Promise<Application> {
    const application = await start('express', llm);
    onTestFinished(() => application.app.close());
    return application;
  }

  it('an answer above maxEntryBytes is passed on whole, and not stored', async () => {
    const { model, post, text } = await startLimited({ maxEntryBytes: 50_000 });
    const question = newQuestion({ padding: 10_000 });
    const first = await text(STREAM, question);
    expect(first.match(/^data: /gm)).toHaveLength(FRAMES + 1);
    const again = await post(STREAM, question);
    expect(again.headers.get('x-cache')).toBe('MISS');
    expect(await again.text()).toHaveLength(first.length);
    expect(model.calls).toBe(2);
  });

  it('no more callers than maxFollowers wait for one answer', async () => {
    const { model, text } = await startLimited({ maxFollowers: 3 });
    const question = newQuestion();
    model.open = 0;
    const texts = Array.from({ length: 6 }, () => text(STREAM, question));
    await eventually('the others ask by themselves', () => model.calls === 3);
    model.open = FRAMES;
    await Promise.all(texts);
    expect(model.calls).toBe(3);
  });

  it('nobody waits for the first piece of another one longer than followerDeadlineMs', async () => {
    const { model, text } = await startLimited({ followerDeadlineMs: 100 });
    const question = newQuestion();
    model.open = 0;
    const texts = [text(STREAM, question)];
    await eventually('one leads', () => model.calls === 1);
    texts.push(text(STREAM, question));
    await eventually('the other asks by itself', () => model.calls === 2);
    model.open = FRAMES;
    await Promise.all(texts);
  });

  it.each([
    ['abort', 0, 1],
    ['drainIfFollowers', 0, 1],
    ['drainIfFollowers', 1, 0],
    ['abort', 1, 1],
    ['drain', 0, 0],
  ] as const)(
    'onDisconnect %s, with %i more callers, all gone: stopped %i times',
    async (onDisconnect, more, stopped) => {
      const { model, post, redis } = await startLimited({ onDisconnect });
      await emptyRedis(redis);
      const question = newQuestion();
      model.open = 5;
      const gone = new AbortController();
      const leaving = Array.from({ length: 1 + more }, () =>
        post(STREAM, question, gone.signal)
          .then((response) => response.text())
          .catch(() => 'gone'),
      );
      await eventually('it has begun', () => model.calls === 1);
      await sleep(150);
      gone.abort();
      expect(await Promise.all(leaving)).toEqual(leaving.map(() => 'gone'));
      await sleep(100);
      const goesOn = stopped === 0;
      model.open = FRAMES;
      await eventually('it has ended', () => model.stopped === 1);
      await sleep(100);
      expect(await redis.keys('*:llm:v3:*')).toHaveLength(goesOn ? 1 : 0);
    },
  );

  it('an answer that goes on for nobody ends with drainDeadlineMs', async () => {
    const { model, post } = await startLimited({ drainDeadlineMs: 200 });
    model.open = 5;
    const gone = new AbortController();
    const leaving = post(STREAM, newQuestion(), gone.signal).then((response) => response.text());
    await eventually('it has begun', () => model.calls === 1);
    gone.abort();
    await expect(leaving).rejects.toThrow(/aborted/);
    await sleep(400);
    model.open = FRAMES;
    await eventually('it was stopped', () => model.stopped === 1);
  });

  it('are counted', async () => {
    const { cache, text } = await startLimited({});
    const question = newQuestion();
    await Promise.all([text(STREAM, question), text(STREAM, question)]);
    await text(STREAM, question);
    await text(STREAM, newQuestion({ seed: 2 ** 53 }));
    expect(cache.stats).toMatchObject({
      hits: 1,
      misses: 1,
      collapsed: 1,
      stored: 1,
      bypasses: { key: 1 },
      notStored: {},
    });
  });
});
