import {
  Controller,
  Header,
  HttpCode,
  HttpException,
  Inject,
  Injectable,
  Post,
} from '@nestjs/common';
import { LlmCache } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';

const TTL_MS = 1_000;
const WINDOW_MS = 60_000;

@Injectable()
class Model {
  calls = 0;
  error: Error | undefined;

  answer(): object {
    this.calls += 1;
    if (this.error !== undefined) throw this.error;
    return { call: this.calls };
  }
}

@Controller()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('plain')
  @HttpCode(200)
  @LlmCache()
  plain(): object {
    return this.#model.answer();
  }

  @Post('revalidated')
  @HttpCode(200)
  @LlmCache({ ttlMs: TTL_MS, staleWhileRevalidateMs: WINDOW_MS })
  revalidated(): object {
    return this.#model.answer();
  }

  @Post('strict')
  @HttpCode(200)
  @Header('Cache-Control', 'max-age=1, must-revalidate')
  @LlmCache({ ttlMs: TTL_MS, staleWhileRevalidateMs: WINDOW_MS })
  strict(): object {
    return this.#model.answer();
  }

  @Post('forgiving')
  @HttpCode(200)
  @LlmCache({ ttlMs: TTL_MS, staleIfErrorMs: WINDOW_MS })
  forgiving(): object {
    return this.#model.answer();
  }

  @Post('mine')
  @HttpCode(200)
  @Header('Cache-Control', 'private')
  @LlmCache({ scope: 'public' })
  mine(): object {
    return this.#model.answer();
  }
}

const QUESTION = { question: 'Hi' };

describe('what callers and handlers say of the cache', () => {
  let azure: LocalAzure;
  let cached: CachedApp;
  let model: Model;

  beforeAll(async () => {
    azure = await startLocalAzure();
    cached = await startCachedApp(azure, {
      controllers: [ModelController],
      providers: [Model],
      cache: { llm: { clientControls: 'http' } },
    });
    model = cached.app.get(Model);
  });
  beforeEach(async () => {
    Object.assign(model, { calls: 0, error: undefined });
    vi.useFakeTimers({ toFake: ['Date'] });
    await emptyRedis(cached.redis);
  });
  afterEach(() => vi.useRealTimers());
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });

  const ask = (path: string, wish?: string) =>
    cached.post(path, QUESTION, wish === undefined ? {} : { 'cache-control': wish });
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

  it('max-age: no stale answer, which one asks for by max-stale (RFC 9111 section 5.2.1.1)', async () => {
    await ask('revalidated');
    pass(TTL_MS + 5_000);
    expect((await ask('revalidated', 'max-age=60')).cache).toBe('MISS');
  });

  it('only-if-cached: nobody is asked, though the caller says no-cache as well', async () => {
    const { status } = await ask('plain', 'only-if-cached, no-cache');
    expect([status, model.calls]).toEqual([504, 0]);
  });

  it('only-if-cached: nobody is asked, though the caller says max-age=0 as well', async () => {
    const { status } = await ask('plain', 'only-if-cached, max-age=0');
    expect([status, model.calls]).toEqual([504, 0]);
  });

  it('no-store: a stale answer asks for no new one, which would be thrown away', async () => {
    const thrownAway = (): number => cached.cache.stats.notStored['no-store'] ?? 0;
    const before = thrownAway();
    await ask('revalidated');
    pass(TTL_MS + 5_000);
    expect((await ask('revalidated', 'no-store')).cache).toBe('HIT');
    // One whose new answer is stored comes behind it.
    await ask('revalidated');
    await eventually('a call in the background', () => model.calls > 1);
    expect(thrownAway() - before).toBe(0);
  });

  it('must-revalidate of the handler: no stale answer (RFC 9111 section 4.2.4)', async () => {
    await ask('strict');
    pass(TTL_MS + 5_000);
    expect((await ask('strict')).cache).toBe('MISS');
  });

  it('private of the handler: for nobody else, though the scope is public', async () => {
    await cached.post('mine', QUESTION, { authorization: 'alice' });
    expect((await cached.post('mine', QUESTION, { authorization: 'bob' })).cache).toBe('MISS');
  });

  it.each([401, 403, 404])(
    'an error that Nest answers with %i is no reason for a stale answer',
    async (statusCode) => {
      // As http-errors makes them: Nest sends its status.
      const error = Object.assign(new Error('Not for you.'), {
        statusCode,
        status: statusCode,
        expose: true,
      });
      model.error = error;
      expect((await ask('forgiving')).status).toBe(statusCode);

      model.error = undefined;
      await ask('forgiving');
      pass(TTL_MS + 5_000);
      model.error = error;
      expect((await ask('forgiving')).status).toBe(statusCode);
    },
  );

  it('a stale answer in the place of an error: an HttpException 503', async () => {
    await ask('forgiving');
    pass(TTL_MS + 5_000);
    model.error = new HttpException('down', 503);
    expect((await ask('forgiving')).status).toBe(200);
  });
});
