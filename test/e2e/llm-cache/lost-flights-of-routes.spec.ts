import { setTimeout as sleep } from 'node:timers/promises';
import {
  Controller,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Post,
  Res,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { LlmCache } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';

const TTL_MS = 500;
const frame = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
const END = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;

@Injectable()
class Model {
  static calls = 0;
  static isHeld = false;
  static open = Infinity;
}

/** Like `compression`: the header is set with the head of each response. */
@Injectable()
class Encoded implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const response: ServerResponse & { req: { url: string } } = context
      .switchToHttp()
      .getResponse();
    if (response.req.url.startsWith('/encoded')) {
      const writeHead = response.writeHead.bind(response);
      Object.assign(response, {
        writeHead(...args: unknown[]) {
          response.setHeader('content-encoding', 'identity');
          return Reflect.apply(writeHead, response, args);
        },
      });
    }
    return next.handle();
  }
}

@Controller()
class TestController {
  constructor(@Inject(Model) readonly model: Model) {}

  @Post('raw/chat/completions')
  @LlmCache()
  async raw(@Res() response: ServerResponse): Promise<void> {
    Model.calls += 1;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(frame('a'));
    while (Model.isHeld) await sleep(10);
    response.write(frame('b'));
    response.end(END);
  }

  @Post('paced/chat/completions')
  @HttpCode(200)
  @LlmCache({ ttlMs: TTL_MS, staleWhileRevalidateMs: 500, pacing: { tokensPerSecond: 0.5 } })
  paced(): Response {
    Model.calls += 1;
    const text = frame('a') + frame('b') + END;
    return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
  }

  @Post('encoded')
  @HttpCode(200)
  @LlmCache({ ttlMs: TTL_MS, staleWhileRevalidateMs: 60_000 })
  encoded(): object {
    return { call: (Model.calls += 1) };
  }

  @Post('plain/chat/completions')
  @HttpCode(200)
  @LlmCache()
  plain() {
    return this.objects();
  }

  @Post('resumable/chat/completions')
  @HttpCode(200)
  @LlmCache({ resumable: true })
  resumable() {
    return this.objects();
  }

  @Post('held/chat/completions')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  @LlmCache({ resumable: true })
  async *held(): AsyncGenerator<string> {
    Model.calls += 1;
    for (let index = 0; index < 5; index += 1) {
      while (index >= Model.open) await sleep(10);
      yield frame(String(index));
    }
    yield END;
  }

  async *objects(): AsyncGenerator<object> {
    for (const content of ['a', 'b']) {
      yield { choices: [{ index: 0, delta: { content }, finish_reason: null }] };
    }
    yield { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  }
}

let words = 0;
const newChat = () => ({
  model: 'm',
  stream: true,
  messages: [{ role: 'user', content: `words ${(words += 1)}` }],
});

/** As through one gateway, behind which the applications are: `fetch` sends its own Host. */
async function ask(
  { url }: CachedApp,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const request = httpRequest(`${url}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', host: 'gateway.example', ...headers },
  });
  request.end(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
}

async function post(
  ...asked: Parameters<typeof ask>
): Promise<{ text: string; cache: unknown; tookMs: number }> {
  const startedAt = performance.now();
  const response = await ask(...asked);
  const text = await textOf(response);
  const tookMs = performance.now() - startedAt;
  return { text, cache: response.headers['x-cache'], tookMs };
}

describe('routes of two applications', () => {
  let azure: LocalAzure;
  let apps: CachedApp[];
  const app = (index: number): CachedApp => {
    const found = apps[index];
    if (found === undefined) throw new Error('Expected an application.');
    return found;
  };

  beforeAll(async () => {
    azure = await startLocalAzure();
  });
  beforeEach(async () => {
    Model.calls = 0;
    Model.isHeld = false;
    Model.open = Infinity;
    const llm = { fleet: { leaseMs: 600 }, followerDeadlineMs: 3_000 };
    const start = (): Promise<CachedApp> =>
      startCachedApp(azure, {
        cache: { llm },
        controllers: [TestController],
        providers: [Model, { provide: APP_INTERCEPTOR, useClass: Encoded }],
      });
    apps = await Promise.all([start(), start()]);
    await emptyRedis(app(0).redis);
    return async () => {
      for (const one of apps) await one.app.close();
    };
  });
  afterAll(() => azure.stop());

  it('a lease is given up after an answer that was cut with its leader', async () => {
    const chat = newChat();
    Model.isHeld = true;
    const first = post(app(0), 'raw/chat/completions', chat).catch(() => undefined);
    await eventually('a call', () => Model.calls === 1);
    const second = post(app(1), 'raw/chat/completions', chat).catch(() => 'cut');
    await sleep(300);
    app(0).redis.disconnect();
    const cut = await Promise.race([second, sleep(6_000)]);
    expect([cut, Model.calls]).toEqual(['cut', 1]);
    Model.isHeld = false;
    await first;
    await sleep(3_000);
    const leases = await app(1).redis.keys('*llm:lease*');
    const { tookMs } = await post(app(1), 'raw/chat/completions', chat);
    expect([leases.length, tookMs > 2_500]).toEqual([0, false]);
  });

  it('a Last-Event-ID of some other answer does not cut off those who follow', async () => {
    const chat = newChat();
    Model.open = 1;
    const path = 'held/chat/completions';
    const first = post(app(0), path, chat);
    await eventually('a call', () => Model.calls === 1);
    const followed = await ask(app(1), path, chat);
    let text = '';
    followed.setEncoding('utf8').on('data', (part: string) => (text += part));
    await eventually('the first frame', () => text.includes('"0"'));
    const other = await ask(app(1), path, chat, { 'last-event-id': 'abcdefghijkl.-.0' });
    expect(other.statusCode).toBe(412);
    other.resume();
    await sleep(600);
    Model.open = 3;
    await eventually('the third frame', () => text.includes('"2"'), 3_000).catch(() => undefined);
    const got = text;
    Model.open = Infinity;
    await first;
    expect(got).toContain('"2"');
  });

  it('nobody waits for a caller who reads slowly', async () => {
    const chat = newChat();
    await post(app(0), 'paced/chat/completions', chat);
    await eventually('an entry', async () => (await app(0).entries()).length === 1);
    await sleep(TTL_MS + 50);
    // Takes 6 s.
    const slow = post(app(0), 'paced/chat/completions', chat);
    await sleep(1_000);
    const { tookMs, cache } = await post(app(1), 'paced/chat/completions', chat);
    await slow;
    expect([cache, tookMs > 2_000]).toEqual(['MISS', false]);
  });

  it('renews the answer of a response that was encoded on its way', async () => {
    const body = { question: 1 };
    await app(0).post('encoded', body);
    await eventually('an entry', async () => (await app(0).entries()).length === 1);
    await sleep(TTL_MS + 50);
    const texts: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      texts.push((await app(0).post('encoded', body)).text);
      await sleep(60);
    }
    expect([texts, Model.calls]).toEqual([[texts[0], ...Array(4).fill('{"call":2}')], 2]);
  });

  it('objects of a generator are the same with ids and without', async () => {
    const chat = newChat();
    const plain = await post(app(0), 'plain/chat/completions', chat);
    const resumable = await post(app(0), 'resumable/chat/completions', chat);
    expect(resumable.text).toBe(plain.text);
  });
});
