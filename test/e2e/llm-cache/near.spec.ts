import { CacheInterceptor, CACHE_MANAGER, type Cache } from '@nestjs/cache-manager';
import {
  Controller,
  Get,
  HttpCode,
  Inject,
  Injectable,
  Post,
  UseInterceptors,
} from '@nestjs/common';
import { LlmCache, LlmCacheInterceptor, type AzureRedisCacheOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCachedApp, type CachedApp, type ReadAnswer } from '../../fixtures/cached-app.js';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

@Injectable()
class Model {
  calls = 0;

  answer(): object {
    return { call: (this.calls += 1) };
  }
}

@Controller()
class ModelController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('near')
  @LlmCache({ tags: ['kb'] })
  @HttpCode(200)
  near(): object {
    return this.#model.answer();
  }

  @Post('far')
  @LlmCache({ near: false })
  @HttpCode(200)
  far(): object {
    return this.#model.answer();
  }

  @Get('got')
  @UseInterceptors(LlmCacheInterceptor)
  got(): object {
    return this.#model.answer();
  }

  @Get('stock')
  @UseInterceptors(CacheInterceptor)
  stock(): object {
    return this.#model.answer();
  }
}

const callOf = ({ text }: ReadAnswer): string | undefined => /"call":(\d+)/.exec(text)?.[1];
const SECRETS = ['a secret of more than thirty-two characters'];

describe.each(PLATFORMS)('a near cache on %s', (platform) => {
  let azure: LocalAzure;
  const apps: CachedApp[] = [];

  const start = async (cache: AzureRedisCacheOptions): Promise<CachedApp> => {
    const app = await startCachedApp(azure, {
      platform,
      cache,
      controllers: [ModelController],
      providers: [Model],
    });
    apps.push(app);
    return app;
  };
  /** For long enough to tell what is remembered from what is read again. */
  const LONG = { near: { maxAgeMs: 60_000 } };

  beforeAll(async () => {
    azure = await startLocalAzure();
  });
  beforeEach(async () => {
    for (const { app } of apps.splice(0)) await app.close();
  });
  afterAll(async () => {
    for (const { app } of apps) await app.close();
    await azure.stop();
  });

  const ask = (app: CachedApp, path = 'near', question = 'Hi'): Promise<ReadAnswer> =>
    app.post(path, { model: 'm', question });
  const get = async (app: CachedApp, path: string): Promise<ReadAnswer> =>
    app.read(fetch(`${app.url}/${path}`));

  /** Once from the handler, once from Redis. */
  async function remembered(app: CachedApp, path?: string): Promise<void> {
    expect((await ask(app, path)).cache).toBe('MISS');
    expect((await ask(app, path)).cache).toBe('HIT');
  }

  it('answers without Redis what it has answered before', async () => {
    const app = await start(LONG);
    await remembered(app);
    await emptyRedis(app.redis);
    const answer = await ask(app);
    expect([callOf(answer), answer.cache]).toEqual(['1', 'HIT']);
    expect(answer.headers.get('age')).not.toBeNull();
  });

  it('is off by default, and for routes that say so', async () => {
    for (const [app, path] of [
      [await start({}), 'near'],
      [await start(LONG), 'far'],
    ] as const) {
      await remembered(app, path);
      await emptyRedis(app.redis);
      expect(callOf(await ask(app, path))).toBe('2');
    }
  });

  it('asks Redis again after maxAgeMs', async () => {
    const app = await start({ near: { maxAgeMs: 200 } });
    await remembered(app);
    await emptyRedis(app.redis);
    await eventually('a new answer', async () => callOf(await ask(app)) === '2', 2_000);
  });

  it('forgets at once what another process invalidates', async () => {
    const [app, other] = [await start(LONG), await start(LONG)];
    await remembered(app);
    await app.redis.ping();

    await other.cache.invalidate({ tag: 'kb' });

    await eventually('a new answer', async () => callOf(await ask(app)) === '2', 1_000);
    await app.cache.invalidate({ tag: 'kb' });
    expect(callOf(await ask(app))).toBe('3');
  });

  it('honours an invalidation within a second although nobody tells it', async () => {
    const [app, other] = [await start(LONG), await start(LONG)];
    await remembered(app);
    await app.redis.call('client', 'kill', 'type', 'pubsub');

    await other.cache.invalidate({ tag: 'kb' });

    await eventually('a new answer', async () => callOf(await ask(app)) === '2', 1_000);
  });

  it('never gives an answer behind its lifetime', async () => {
    const app = await start({ ...LONG, ttlMs: 700 });
    await remembered(app);
    await eventually('a new answer', async () => callOf(await ask(app)) === '2', 2_000);
  });

  it('keeps encrypted answers encrypted, unless told otherwise', async () => {
    const llm = { encryption: { secrets: SECRETS } };
    for (const decrypted of [false, true]) {
      const app = await start({ near: { maxAgeMs: 60_000, decrypted }, llm });
      const question = `decrypted: ${decrypted}`;
      expect((await ask(app, 'near', question)).cache).toBe('MISS');
      const leases = (): Promise<string[]> => app.redis.keys('*:llm:lease:*');
      await eventually('the end of the flight', async () => (await leases()).length === 0);
      expect((await ask(app, 'near', question)).cache).toBe('HIT');
      for (const key of await app.redis.keys('*')) {
        if (key.includes(':llm:v3:') || key.includes(':llm:salt:')) await app.redis.unlink(key);
      }
      // Sealed bytes need the salt, which this process remembers, too.
      expect(callOf(await ask(app, 'near', question))).toBe('1');
    }
  });

  it('remembers what the cache manager has stored for a GET route, until it is deleted', async () => {
    const [app, other] = [await start(LONG), await start(LONG)];
    await app.redis.unlink('cache:/got');
    expect((await get(app, 'got')).headers.get('x-cache')).toBe('MISS');
    await eventually('an entry', async () => (await app.redis.exists('cache:/got')) === 1);
    expect(callOf(await get(app, 'got'))).toBe('1');
    await app.redis.unlink('cache:/got');
    expect(callOf(await get(app, 'got'))).toBe('1');

    await other.app.get<Cache>(CACHE_MANAGER).del('/got');

    await eventually('a new answer', async () => callOf(await get(app, 'got')) === '2', 1_000);
    await eventually('an entry', async () => (await app.redis.exists('cache:/got')) === 1);
    expect(callOf(await get(app, 'got'))).toBe('2');
    await app.app.get<Cache>(CACHE_MANAGER).set('/got', { call: 7 });
    expect(callOf(await get(app, 'got'))).toBe('7');
    await app.app.get<Cache>(CACHE_MANAGER).clear();
    expect(callOf(await get(app, 'got'))).toBe('3');
  });

  it('does not concern the stock interceptor, nor who asks the cache manager', async () => {
    const app = await start(LONG);
    const manager = app.app.get<Cache>(CACHE_MANAGER);
    await app.redis.unlink('cache:/stock');
    await get(app, 'stock');
    await eventually('an entry', async () => (await app.redis.exists('cache:/stock')) === 1);
    expect(callOf(await get(app, 'stock'))).toBe('1');
    await app.redis.unlink('cache:/stock');
    expect(await manager.get('/stock')).toBeUndefined();
    expect(callOf(await get(app, 'stock'))).toBe('2');
  });
});
