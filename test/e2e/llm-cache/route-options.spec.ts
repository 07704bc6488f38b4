import { setTimeout as sleep } from 'node:timers/promises';
import {
  Body,
  Controller,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Post,
  UseInterceptors,
  type ExecutionContext,
} from '@nestjs/common';
import { CacheTTL } from '@nestjs/cache-manager';
import { LlmCache, LlmCacheInterceptor, type LlmProtocol } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { emptyRedis } from '../../fixtures/empty-redis.js';
import {
  startCachedApp,
  type CachedApp,
  type CachedAppOptions,
} from '../../fixtures/cached-app.js';
import { PLATFORMS } from '../../fixtures/gateway-app.js';

const FRAMES = 6;
const PAUSE_MS = 60;
/** What a stream takes as it was recorded. */
const STREAM_MS = (FRAMES - 1) * PAUSE_MS;

function headerOf(context: ExecutionContext, name: string): string {
  const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
  return headers[name] ?? '';
}

const tenantOf = (context: ExecutionContext): string => headerOf(context, 'x-tenant');

@Injectable()
class Model {
  calls = 0;

  complete(): object {
    const message = { role: 'assistant', content: `answer ${(this.calls += 1)}` };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return { id: `chatcmpl-${this.calls}`, created: 1_700_000_000 + this.calls, choices };
  }

  answer(): object {
    return { call: (this.calls += 1) };
  }

  async *stream(pauseMs = PAUSE_MS): AsyncGenerator<string> {
    const call = (this.calls += 1);
    for (let frame = 0; frame < FRAMES; frame += 1) {
      if (frame > 0) await sleep(pauseMs);
      yield `data: ${JSON.stringify({ call, frame })}\n\n`;
    }
  }
}

@Controller('tenant')
@LlmCache({ scope: tenantOf, ttlMs: 50_000, verbatim: true })
class TenantController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('as-controller')
  asController(): object {
    return this.#model.answer();
  }

  @Post('public')
  @LlmCache({ scope: 'public' })
  public(): object {
    return this.#model.answer();
  }

  @Post('short')
  @LlmCache({ ttlMs: 5_000 })
  short(): object {
    return this.#model.answer();
  }

  @Post('fresh-ids/chat/completions')
  @LlmCache({ verbatim: false })
  freshIds(): object {
    return this.#model.complete();
  }

  @Post('chat/completions')
  verbatim(): object {
    return this.#model.complete();
  }
}

@Controller()
@LlmCache()
class PlainController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('plain')
  plain(): object {
    return this.#model.answer();
  }

  @Post('chat/completions')
  chat(): object {
    return this.#model.complete();
  }

  @Post('stream')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  stream(): AsyncGenerator<string> {
    return this.#model.stream(1);
  }

  @Post('cache-ttl')
  @CacheTTL(8_000)
  cacheTtl(): object {
    return this.#model.answer();
  }
}

@Controller('routes')
class RouteController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post('public')
  @LlmCache({ scope: 'public' })
  public(): object {
    return this.#model.answer();
  }

  @Post('ttl-number')
  @LlmCache({ ttlMs: 6_000 })
  @CacheTTL(60_000)
  ttlNumber(): object {
    return this.#model.answer();
  }

  @Post('ttl-function')
  @LlmCache({ ttlMs: async (context) => Number(headerOf(context, 'x-ttl')) })
  ttlFunction(): object {
    return this.#model.answer();
  }

  @Post('ttl-throws')
  @LlmCache({
    ttlMs: () => {
      throw new Error('secret of the lifetime');
    },
  })
  ttlThrows(): object {
    return this.#model.answer();
  }

  @Post('scope-throws')
  @LlmCache({
    scope: () => {
      throw new Error('secret of the scope');
    },
  })
  scopeThrows(): object {
    return this.#model.answer();
  }

  @Post('some')
  @LlmCache({ cacheable: async (context) => headerOf(context, 'x-cacheable') === 'yes' })
  some(): object {
    return this.#model.answer();
  }

  @Post('cacheable-throws')
  @LlmCache({
    cacheable: () => {
      throw new Error('secret of the choice');
    },
  })
  cacheableThrows(): object {
    return this.#model.answer();
  }

  @Post('small')
  @LlmCache({ maxEntryBytes: 100 })
  small(@Body() { size = 0 }: { size?: number }): object {
    return { ...this.#model.answer(), text: 'x'.repeat(size) };
  }

  @Post('instant')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  @LlmCache({ pacing: 'instant' })
  instant(): AsyncGenerator<string> {
    return this.#model.stream();
  }

  @Post('recorded')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  @LlmCache({ pacing: 'recorded' })
  recorded(): AsyncGenerator<string> {
    return this.#model.stream();
  }

  @Post('paced')
  @HttpCode(200)
  @Header('content-type', 'text/event-stream')
  @LlmCache({ pacing: { tokensPerSecond: 10 } })
  paced(): AsyncGenerator<string> {
    return this.#model.stream(1);
  }
}

@Injectable()
class TenantCache extends LlmCacheInterceptor {
  protected override readonly scope = tenantOf;
}

@Controller('subclass')
@UseInterceptors(TenantCache)
class SubclassController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Post()
  ask(): object {
    return this.#model.answer();
  }
}

const CONTROLLERS = [TenantController, PlainController, RouteController, SubclassController];

// No answer here takes long; one that waits for itself would take for ever.
vi.setConfig({ testTimeout: 6_000 });

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
}, 60_000);
afterAll(() => azure.stop());

const startApp = (options: CachedAppOptions): Promise<CachedApp> =>
  startCachedApp(azure, {
    controllers: CONTROLLERS,
    providers: [Model, TenantCache],
    ...options,
  });

/** For one test, with options of the module. */
async function startOwnApp(options: CachedAppOptions): Promise<CachedApp> {
  const own = await startApp(options);
  onTestFinished(() => own.app.close());
  await emptyRedis(own.redis);
  return own;
}

describe.each(PLATFORMS)('options of a route on %s', (platform) => {
  let cached: CachedApp;
  beforeAll(async () => {
    cached = await startApp({ platform });
  }, 30_000);
  afterAll(() => cached.app.close());
  beforeEach(async () => {
    // The logger of Nest is that of the application that was started last.
    cached.app.useLogger(cached.logger);
    cached.logger.lines.length = 0;
    await emptyRedis(cached.redis);
  });

  async function cacheOf(path: string, headers: Record<string, string> = {}, body: object = {}) {
    return (await cached.post(path, body, headers)).cache;
  }

  describe('scope', () => {
    it.each(['tenant/as-controller', 'subclass'])(
      'a function: who has the same name shares, whatever the credentials: %s',
      async (path) => {
        const ask = (tenant: string, authorization: string) =>
          cacheOf(path, { 'x-tenant': tenant, authorization });
        expect(await ask('t1', 'alice')).toBe('MISS');
        expect(await ask('t1', 'bob')).toBe('HIT');
        expect(await ask('t2', 'alice')).toBe('MISS');
      },
    );

    it("'public' on the route wins over the function of its controller", async () => {
      expect(await cacheOf('tenant/public', { 'x-tenant': 't1', authorization: 'a' })).toBe('MISS');
      expect(await cacheOf('tenant/public', { 'x-tenant': 't2', authorization: 'b' })).toBe('HIT');
      expect(await cacheOf('tenant/public', {})).toBe('HIT');
    });

    it('is the credentials where nobody names another', async () => {
      expect(await cacheOf('plain', { authorization: 'alice' })).toBe('MISS');
      expect(await cacheOf('plain', { authorization: 'bob' })).toBe('MISS');
      expect(await cacheOf('plain', { authorization: 'alice' })).toBe('HIT');
    });

    it('is that of the module where neither controller nor route has one', async () => {
      const own = await startOwnApp({ platform, cache: { llm: { scope: tenantOf } } });
      const ask = async (path: string, tenant: string, authorization: string) =>
        (await own.post(path, {}, { 'x-tenant': tenant, authorization })).cache;
      expect(await ask('plain', 't1', 'alice')).toBe('MISS');
      expect(await ask('plain', 't1', 'bob')).toBe('HIT');
      expect(await ask('plain', 't2', 'alice')).toBe('MISS');
      expect(await ask('routes/public', 't1', 'alice')).toBe('MISS');
      expect(await ask('routes/public', 't2', 'bob')).toBe('HIT');
    });
  });

  describe('lifetime', () => {
    it.each([
      ['tenant/as-controller', 'that of the controller', 50_000],
      ['tenant/short', 'that of the route before that of its controller', 5_000],
      ['routes/ttl-number', 'ttlMs before @CacheTTL()', 6_000],
      ['routes/ttl-function', 'what the function says', 7_000],
      ['cache-ttl', '@CacheTTL() where there is no ttlMs', 8_000],
    ])('%s: %s', async (path, _what, ttlMs) => {
      await cached.post(path, {}, { 'x-tenant': 't1', 'x-ttl': '7000' });
      const lifetime = await cached.lifetime();
      expect(lifetime).toBeLessThanOrEqual(ttlMs);
      expect(lifetime).toBeGreaterThan(ttlMs - 4_000);
    });

    it.each(['routes/ttl-throws', 'routes/ttl-function'])(
      'that is none: not stored, one warning: %s',
      async (path) => {
        for (let round = 1; round <= 3; round += 1) {
          const answer = await cached.post(path, {}, { 'x-ttl': 'soon' });
          expect(answer).toMatchObject({
            status: 201,
            cacheStatus: 'LlmCache; fwd=miss; detail=ttl',
          });
        }
        expect(await cached.entries()).toEqual([]);
        const name = path === 'routes/ttl-throws' ? 'ttlThrows' : 'ttlFunction';
        expect(cached.logger.linesLike(new RegExp(`^warn .*${name}`))).toHaveLength(1);
        expect(cached.logger.lines.join('\n')).not.toContain('secret of');
      },
    );
  });

  describe('what is not cacheable', () => {
    it('goes to its handler, and is not stored', async () => {
      for (let round = 1; round <= 2; round += 1) {
        expect(await cached.post('routes/some', {})).toMatchObject({
          status: 201,
          cache: null,
          cacheStatus: 'LlmCache; fwd=bypass; detail=not-cacheable',
        });
      }
      expect(await cached.entries()).toEqual([]);
      expect(cached.logger.linesLike(/^warn/)).toEqual([]);
      expect(await cacheOf('routes/some', { 'x-cacheable': 'yes' })).toBe('MISS');
      expect(await cacheOf('routes/some', { 'x-cacheable': 'yes' })).toBe('HIT');
    });

    it.each([
      ['routes/cacheable-throws', 'not-cacheable', 'cacheableThrows'],
      ['routes/scope-throws', 'scope', 'scopeThrows'],
    ])('nor where the function throws, with one warning: %s', async (path, detail, name) => {
      const texts = new Set<string>();
      for (let round = 1; round <= 3; round += 1) {
        const answer = await cached.post(path, {});
        expect(answer).toMatchObject({
          status: 201,
          cacheStatus: `LlmCache; fwd=bypass; detail=${detail}`,
        });
        texts.add(answer.text);
      }
      expect(texts.size).toBe(3);
      expect(await cached.entries()).toEqual([]);
      expect(cached.logger.linesLike(new RegExp(`^warn .*${name}`))).toHaveLength(1);
      expect(cached.logger.lines.join('\n')).not.toContain('secret of');
    });
  });

  describe('pacing', () => {
    it.each([
      ['instant', 0, STREAM_MS * 0.7],
      ['recorded', STREAM_MS * 0.8, STREAM_MS * 4],
      ['paced', (FRAMES - 1) * 100 * 0.9, (FRAMES - 1) * 100 * 4],
    ])('%s: a hit takes from %i to %i ms', async (path, atLeastMs, atMostMs) => {
      const first = await cached.post(`routes/${path}`, {});
      const hit = await cached.post(`routes/${path}`, {});
      expect(hit).toMatchObject({ cache: 'HIT', text: first.text });
      expect(hit.tookMs).toBeGreaterThanOrEqual(atLeastMs);
      expect(hit.tookMs).toBeLessThan(atMostMs);
    });

    it('is that of the module where the route has none', async () => {
      const llm = { pacing: { tokensPerSecond: 10 } } as const;
      const own = await startOwnApp({ platform, cache: { llm } });
      await own.post('stream', {});
      const paced = await own.post('stream', {});
      expect(paced.cache).toBe('HIT');
      expect(paced.tookMs).toBeGreaterThanOrEqual((FRAMES - 1) * 100 * 0.9);
      await own.post('routes/instant', {});
      const instant = await own.post('routes/instant', {});
      expect(instant.cache).toBe('HIT');
      expect(instant.tookMs).toBeLessThan(STREAM_MS * 0.7);
    });
  });

  describe('verbatim', () => {
    const ask = (path: string) => cached.post(path, { messages: [] }, { 'x-tenant': 't1' });

    it('replays id and time as they were recorded', async () => {
      const first = await ask('tenant/chat/completions');
      expect(await ask('tenant/chat/completions')).toMatchObject({
        cache: 'HIT',
        text: first.text,
      });
    });

    it.each(['chat/completions', 'tenant/fresh-ids/chat/completions'])(
      'false, and by default: each hit has its own: %s',
      async (path) => {
        const first = await ask(path);
        const hit = await ask(path);
        expect(hit.cache).toBe('HIT');
        const [was, is] = [JSON.parse(first.text), JSON.parse(hit.text)];
        expect(is.choices).toEqual(was.choices);
        expect(is.id).not.toBe(was.id);
        expect(is.created).toBeGreaterThan(was.created);
      },
    );
  });

  it('maxEntryBytes: a larger answer is passed on, and not stored', async () => {
    for (let round = 1; round <= 2; round += 1) {
      const answer = await cached.post('routes/small', { size: 200 });
      expect(answer.cacheStatus).toBe('LlmCache; fwd=miss; detail=too-large');
      expect(JSON.parse(answer.text).text).toHaveLength(200);
    }
    expect(await cacheOf('routes/small', {}, { size: 10 })).toBe('MISS');
    expect(await cacheOf('routes/small', {}, { size: 10 })).toBe('HIT');
  });

  it('of both controller and route: one look-up and one call', async () => {
    const before = cached.cache.stats;
    const answer = await cached.post('tenant/short', { once: true }, { 'x-tenant': 't1' });
    expect(answer.cacheStatus).toBe('LlmCache; fwd=miss; stored');
    expect(answer.tookMs).toBeLessThan(5_000);
    expect(cached.cache.stats.misses - before.misses).toBe(1);
    expect(cached.cache.stats.stored - before.stored).toBe(1);
    await cached.post('tenant/short', { once: true }, { 'x-tenant': 't1' });
    expect(cached.cache.stats.hits - before.hits).toBe(1);
  });
});

describe("a protocol of the user's", () => {
  /** Answers to riddles: worth storing if solved, and whoever asks does not count. */
  const riddles: LlmProtocol = {
    name: 'riddles',
    callTypes: [],
    recognises: (path, body) => path === '/plain' && 'riddle' in body,
    omitted: { names: new Set(['asker']) },
    bypass: (body) => (body['riddle'] === 'of the day' ? 'stateful' : undefined),
    asksForStream: () => false,
    judge: (answer) => (JSON.stringify(answer).includes('"call":1}') ? 'unfinished' : undefined),
    judgeStream: () => ({ event: () => undefined, verdict: () => 'not-json' }),
    personalFields: () => [{ path: ['call'], kind: 'time' }],
  };

  it('decides about storing, key, bypass and what each caller gets anew', async () => {
    const own = await startOwnApp({});
    own.cache.addProtocol(riddles);
    const ask = (more: object) => own.post('plain', { riddle: 'of the sphinx', ...more });
    expect((await ask({ asker: 'a' })).cacheStatus).toBe('LlmCache; fwd=miss; detail=unfinished');
    expect((await ask({ asker: 'b' })).cacheStatus).toBe('LlmCache; fwd=miss; stored');
    const hit = await ask({ asker: 'c' });
    expect(hit.cache).toBe('HIT');
    expect(JSON.parse(hit.text).call).toBeGreaterThan(1_700_000_000);
    expect((await ask({ voice: 'low' })).cache).toBe('MISS');
    expect((await ask({ riddle: 'of the day' })).cacheStatus).toBe(
      'LlmCache; fwd=bypass; detail=stateful',
    );
  });

  it('counts for its own requests alone', async () => {
    const own = await startOwnApp({});
    own.cache.addProtocol(riddles);
    expect((await own.post('plain', { asker: 'a' })).cache).toBe('MISS');
    expect((await own.post('plain', { asker: 'b' })).cache).toBe('MISS');
    expect((await own.post('plain', { asker: 'a' })).cache).toBe('HIT');
  });

  it('is part of the key: what was stored before it came is not its answer', async () => {
    const own = await startOwnApp({});
    await own.post('plain', { riddle: 'of the sphinx' });
    expect((await own.post('plain', { riddle: 'of the sphinx' })).cache).toBe('HIT');
    own.cache.addProtocol(riddles);
    expect((await own.post('plain', { riddle: 'of the sphinx' })).cache).toBe('MISS');
  });

  const throws = (): never => {
    throw new Error('secret of the protocol');
  };

  it.each(['recognises', 'bypass', 'judge', 'personalFields'] as const)(
    'that throws leaves the answer to the handler: %s',
    async (member) => {
      const own = await startOwnApp({});
      own.cache.addProtocol({ ...riddles, [member]: throws });
      for (let call = 1; call <= 2; call += 1) {
        const answer = await own.post('plain', { riddle: 'of the sphinx' });
        expect(answer).toMatchObject({ status: 201, text: JSON.stringify({ call }) });
      }
      expect(own.logger.lines.join('\n')).not.toContain('secret of');
    },
  );
});
