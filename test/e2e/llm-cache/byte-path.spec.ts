import { once } from 'node:events';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Injectable,
  Module,
  Post,
  UseInterceptors,
  VERSION_NEUTRAL,
  VersioningType,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AzureRedisModule, LlmCache, LlmCacheInterceptor } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { map, type Observable } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { PLATFORMS, type Platform } from '../../fixtures/gateway-app.js';

/** What an interceptor sees, and what it makes of it. */
@Injectable()
class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((answer: unknown) => ({ wrapped: answer })));
  }
}

const ANSWER = { text: 'Grüße 👋', list: [1, null, { deep: true }] };

@Injectable()
class Model {
  calls = 0;

  answer(): object {
    return { call: (this.calls += 1), ...ANSWER };
  }
}

@Controller({ version: VERSION_NEUTRAL })
class PlainController {
  readonly #model: Model;

  constructor(@Inject(Model) model: Model) {
    this.#model = model;
  }

  @Get('got')
  @UseInterceptors(LlmCacheInterceptor)
  got(): object {
    return this.#model.answer();
  }

  @Get('typed')
  @Header('content-type', 'application/problem+json')
  @UseInterceptors(LlmCacheInterceptor)
  typed(): object {
    return this.#model.answer();
  }

  @Get('outside')
  @UseInterceptors(Wrapping, LlmCacheInterceptor)
  outside(): object {
    return this.#model.answer();
  }

  @Get('inside')
  @UseInterceptors(LlmCacheInterceptor, Wrapping)
  inside(): object {
    return this.#model.answer();
  }

  @Get('twice')
  @UseInterceptors(LlmCacheInterceptor, LlmCacheInterceptor)
  twice(): object {
    return this.#model.answer();
  }

  @Get('number')
  @UseInterceptors(LlmCacheInterceptor)
  number(): number {
    return this.#model.calls + 7;
  }

  @Get('list')
  @UseInterceptors(LlmCacheInterceptor)
  list(): readonly unknown[] {
    return [this.#model.answer()];
  }

  @Get('serialized')
  @UseInterceptors(ClassSerializerInterceptor, LlmCacheInterceptor)
  serialized(): object {
    return this.#model.answer();
  }

  @Post('asked')
  @LlmCache()
  @HttpCode(200)
  asked(): object {
    return this.#model.answer();
  }

  @Post('asked-outside')
  @UseInterceptors(Wrapping)
  @LlmCache()
  @HttpCode(200)
  askedOutside(): object {
    return this.#model.answer();
  }
}

@Controller({ path: 'versioned', version: '2' })
class VersionedController {
  @Get()
  @UseInterceptors(LlmCacheInterceptor)
  got(): object {
    return ANSWER;
  }
}

interface Setup {
  readonly isWrappedGlobally?: 'by provider' | 'by application';
  prepare?(app: INestApplication): void | Promise<void>;
}

describe.each(PLATFORMS)('answers on %s', (platform: Platform) => {
  let azure: LocalAzure;
  beforeAll(async () => {
    azure = await startLocalAzure();
  });
  afterAll(() => azure.stop());

  /** @returns the address */
  async function start({ isWrappedGlobally, prepare }: Setup = {}): Promise<string> {
    @Module({
      imports: [
        AzureRedisModule.forRoot({
          ...azure.connection,
          credential: azure.credential,
          // Each application has a cache of its own.
          cache: { namespace: `bytes-${(applications += 1)}`, deadlineMs: 5_000 },
        }),
      ],
      controllers: [PlainController, VersionedController],
      providers: [
        Model,
        ...(isWrappedGlobally === 'by provider'
          ? [{ provide: APP_INTERCEPTOR, useClass: Wrapping }]
          : []),
      ],
    })
    class Application {}
    const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
    const app = await NestFactory.create(Application, adapter, {
      logger: false,
      forceCloseConnections: true,
    });
    if (isWrappedGlobally === 'by application') app.useGlobalInterceptors(new Wrapping());
    await prepare?.(app);
    await app.listen(0, '127.0.0.1');
    onTestFinished(() => app.close());
    return app.getUrl();
  }

  interface Heard {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: unknown;
  }

  async function hear(url: string, init: RequestInit = {}): Promise<Heard> {
    const response = await fetch(url, init);
    const text = await response.text();
    const {
      'x-cache': cache,
      'cache-status': _status,
      age: _age,
      date: _date,
      ...headers
    } = Object.fromEntries(response.headers);
    caches.push(cache);
    return { status: response.status, headers, body: text === '' ? text : JSON.parse(text) };
  }
  const caches: (string | undefined)[] = [];
  const posted = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"a":1}',
  };

  /** The first answer, and the one from the cache. */
  async function both(url: string, init?: RequestInit): Promise<readonly [Heard, Heard]> {
    const first = await hear(url, init);
    let second = first;
    await eventually('a hit', async () => {
      second = await hear(url, init);
      return caches.at(-1) === 'HIT';
    });
    return [first, second];
  }

  it.each([
    ['got', undefined],
    ['typed', undefined],
    ['outside', undefined],
    ['inside', undefined],
    ['twice', undefined],
    ['number', undefined],
    ['list', undefined],
    ['serialized', undefined],
    ['asked', posted],
    ['asked-outside', posted],
  ] as const)('are the same from the cache, headers included: %s', async (path, init) => {
    const [first, second] = await both(`${await start()}/${path}`, init);
    expect(second).toEqual(first);
    const isWrapped = path.includes('side');
    expect(JSON.stringify(second.body)).toContain(isWrapped ? '"wrapped"' : '');
  });

  it.each(['by provider', 'by application'] as const)(
    'are values for an interceptor of the whole application, %s',
    async (isWrappedGlobally) => {
      const url = await start({ isWrappedGlobally });
      for (const [path, init] of [
        ['got', undefined],
        ['asked', posted],
      ] as const) {
        const [first, second] = await both(`${url}/${path}`, init);
        expect(second).toEqual(first);
        expect(second.body).toHaveProperty('wrapped');
      }
    },
  );

  it('have an ETag where the platform makes one, and are 304 for who has them', async () => {
    const hasTag = platform === 'express';
    const url = `${await start()}/got`;
    const [first, second] = await both(url);
    expect(first.headers['etag']).toBe(second.headers['etag']);
    expect('etag' in second.headers).toBe(hasTag);
    // Not by fetch, which adds a Cache-Control of its own.
    const asked = request(url, {
      headers: { 'if-none-match': second.headers['etag'] ?? '' },
    }).end();
    const [response] = await once(asked, 'response');
    response.resume();
    expect(response.statusCode).toBe(hasTag ? 304 : 200);
  });

  it('to HEAD have no body', async () => {
    const url = `${await start()}/got`;
    await both(url);
    const response = await fetch(url, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('behind a global prefix and of a version are their own', async () => {
    const url = await start({
      prepare: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
      },
    });
    const [first, second] = await both(`${url}/api/v2/versioned`);
    expect(second).toEqual(first);
    expect(second.body).toEqual(ANSWER);
  });

  it('go through what compresses them', async () => {
    const url = await start({
      prepare: async (app) => {
        if (platform === 'express') app.use(compressing);
        else {
          const fastify = (app as NestFastifyApplication).getHttpAdapter().getInstance();
          fastify.addHook('onSend', async (_request, reply, payload) => {
            void reply.header('content-encoding', 'gzip').removeHeader('content-length');
            return gzipSync(String(payload));
          });
        }
      },
    });
    const first = await fetch(`${url}/got`);
    expect(first.headers.get('content-encoding')).toBe('gzip');
    const one: unknown = await first.json();
    await eventually('a hit', async () => {
      const response = await fetch(`${url}/got`);
      expect(await response.json()).toEqual(one);
      return response.headers.get('x-cache') === 'HIT';
    });
  });

  it('are written as the application writes its JSON', async () => {
    const url = await start({
      prepare: async (app) => {
        if (platform === 'express') (app as NestExpressApplication).set('json spaces', 2);
        else {
          const fastify = (app as NestFastifyApplication).getHttpAdapter().getInstance();
          fastify.addHook('preSerialization', async (_request, _reply, payload) => ({
            hooked: payload,
          }));
        }
      },
    });
    const texts: string[] = [];
    await eventually('a hit', async () => {
      const response = await fetch(`${url}/got`);
      texts.push(await response.text());
      return response.headers.get('x-cache') === 'HIT';
    });
    expect(texts.at(-1)).toBe(texts[0]);
    expect(texts[0]).toContain(platform === 'express' ? '\n  "call"' : '"hooked"');
  });
});

let applications = 0;

interface CompressedResponse {
  end(chunk?: Buffer | string): unknown;
  setHeader(name: string, value: string): void;
  removeHeader(name: string): void;
}

/** As compression middlewares do: in the place of the method that writes. */
function compressing(_request: unknown, response: CompressedResponse, next: () => void): void {
  const end = response.end.bind(response);
  response.end = (chunk = '') => {
    response.removeHeader('content-length');
    response.setHeader('content-encoding', 'gzip');
    return end(gzipSync(chunk));
  };
  next();
}
