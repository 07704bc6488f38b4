import {
  Inject,
  Injectable,
  Logger,
  Optional,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import {
  CACHE_KEY_METADATA,
  CACHE_MANAGER,
  CACHE_TTL_METADATA,
  CacheInterceptor,
  type Cache,
} from '@nestjs/cache-manager';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import { of, takeLast, type Observable } from 'rxjs';
import {
  getAzureRedisOptionsToken,
  getAzureRedisStoreToken,
  LOGGER_CONTEXT,
} from '../azure-redis.constants.js';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import type { ByteStore } from '../store/byte-store.interface.js';
import { HttpExchange } from './http-exchange.js';
import { requestTarget } from './key/request-target.js';
import { routeIdentity } from './key/route-identity.js';
import { resolvePrincipal, type LlmCacheScope } from './key/scope.js';
import { planLookup, type LookupPlan } from './lookup-plan.js';
import { asksForStream, type BypassReason } from './policy/bypass.js';
import { cacheStatusHeaders } from './policy/cache-status.js';
import { explicitTtl, withJitter } from './policy/entry-ttl.js';
import { writesOwnResponse } from './policy/own-response.js';
import { unstorableReason, type UnstorableReason } from './policy/storable.js';
import { onLastValue } from './recording/last-value.js';
import { RecordedAnswers } from './recording/recorded-answers.js';
import { guardStockCacheManager } from './stock-cache-manager.js';
import { TroubleLog } from './trouble-log.js';

/** Response headers that belong to the answer and not to the connection or the caller. */
const RECORDED_HEADERS = ['content-type', 'content-language'] as const;

const STORE_TROUBLE = 'The store of the LLM cache fails';

/**
 * Answers POST requests with a JSON body from the cache, on Express and Fastify:
 * `@UseInterceptors(LlmCacheInterceptor)`.
 *
 * - The key is the meaning of the request and the credentials it came with; nobody gets the
 *   answer of another caller. Another rule: override {@link LlmCacheInterceptor.scope}.
 * - Only complete JSON answers with status 200 or 201 are stored. A streamed answer passes
 *   through untouched and is not cached.
 * - `@CacheTTL()` (milliseconds) sets the lifetime; without it `cache.ttlMs`, up to 20 % shorter.
 * - GET routes, and routes with `@CacheKey()`, behave as with the stock `CacheInterceptor`
 *   (whose key for GET is the URL, whoever asks), except that a stream is never stored.
 * - The response carries `Cache-Status` (RFC 9211), `X-Cache: HIT | MISS` and, on a hit, `Age`.
 * - Whatever fails around the cache, the handler answers.
 *
 * @see [Caching](https://docs.nestjs.com/techniques/caching)
 *
 * @publicApi
 */
@Injectable()
export class LlmCacheInterceptor extends CacheInterceptor {
  /**
   * Who shares cached answers. Override it in a subclass:
   * `protected override readonly scope = (context: ExecutionContext) => tenantOf(context);`
   *
   * @default callers with the same `authorization`, `api-key`, `x-api-key` and `cookie` headers
   */
  protected readonly scope: LlmCacheScope | undefined = undefined;

  readonly #answers: RecordedAnswers;
  readonly #options: AzureRedisOptions['cache'];
  readonly #troubles = new TroubleLog(new Logger(LOGGER_CONTEXT));

  constructor(
    // Not provided with `cache: false`; LLM answers do not need it.
    @Optional() @Inject(CACHE_MANAGER) cacheManager: Cache | undefined,
    reflector: Reflector,
    @Inject(getAzureRedisStoreToken()) store: ByteStore,
    @Inject(getAzureRedisOptionsToken()) options: Pick<AzureRedisOptions, 'cache'>,
  ) {
    super(
      cacheManager &&
        guardStockCacheManager(cacheManager, () =>
          this.#troubles.started('The cache manager fails to write', 'answers are not cached'),
        ),
      reflector,
    );
    this.#options = options.cache;
    this.#answers = new RecordedAnswers(store, (isWorking) => {
      if (isWorking) this.#troubles.ended(STORE_TROUBLE);
      else this.#troubles.started(STORE_TROUBLE, 'requests are answered by their handlers');
    });
  }

  override async intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    if (context.getType() !== 'http' || writesOwnResponse(context)) return next.handle();
    const http = new HttpExchange(this.httpAdapterHost.httpAdapter, context);
    const isSse = this.reflector.get<unknown>(SSE_METADATA, context.getHandler()) === true;
    if (isSse || asksForStream(http.body)) return bypass(http, 'stream', next);
    const cacheKeyOfRoute: unknown = this.reflector.get(CACHE_KEY_METADATA, context.getHandler());
    if (http.method === 'POST' && cacheKeyOfRoute === undefined) {
      return this.#interceptPost(context, http, next);
    }
    if (this.cacheManager === undefined) return next.handle();
    // The stock interceptor stores every value of an Observable, also one that fails later.
    return super.intercept(context, { handle: () => next.handle().pipe(takeLast(1)) });
  }

  /** A `@CacheKey()` function that throws leaves the request to its handler. */
  protected override async trackBy(context: ExecutionContext): Promise<string | null | undefined> {
    try {
      return await super.trackBy(context);
    } catch {
      this.#routeTrouble(context, 'the @CacheKey() function throws');
      return undefined;
    }
  }

  async #interceptPost(
    context: ExecutionContext,
    http: HttpExchange,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const plan = await this.#plan(context, http);
    if ('bypass' in plan) return bypass(http, plan.bypass, next);
    const { key } = plan;
    const answer = await this.#answers.find(key);
    if (answer !== undefined) {
      const ageMs = Date.now() - answer.storedAtMs;
      http.setHeaders({
        ...answer.headers,
        ...cacheStatusHeaders({ kind: 'hit', ageMs, ttlMs: answer.ttlMs }),
      });
      http.setStatus(answer.status);
      return of(answer.value);
    }
    const ttlMs = await this.#ttlOf(context);
    http.setHeaders(cacheStatusHeaders({ kind: 'miss' }));
    return next.handle().pipe(
      onLastValue((value) => {
        const result = ttlMs === undefined ? 'ttl' : this.#record(key, http, value, ttlMs);
        http.setHeaders(cacheStatusHeaders({ kind: 'miss', result }));
      }),
    );
  }

  async #plan(context: ExecutionContext, http: HttpExchange): Promise<LookupPlan> {
    const { body, headers } = http;
    const target = requestTarget(http.url);
    const route = routeIdentity(http, target, context, this.reflector);
    return planLookup({ path: target.path, route, headers, body }, this.#options, async () => {
      try {
        return await resolvePrincipal(this.scope, context, headers, this.#options.namespace);
      } catch {
        this.#routeTrouble(context, 'the scope function throws or returns no name');
        return undefined;
      }
    });
  }

  /** @returns `undefined` if the route names a lifetime that is none. */
  async #ttlOf(context: ExecutionContext): Promise<number | undefined> {
    const ttl: unknown = this.reflector.getAllAndOverride(CACHE_TTL_METADATA, [
      context.getHandler(),
      context.getClass(),
    ]);
    try {
      const ttlMs: unknown = typeof ttl === 'function' ? await ttl(context) : ttl;
      // As in the stock interceptor, a function that names none leaves it to the default.
      if (ttlMs === undefined || ttlMs === null) return withJitter(this.#options.ttlMs);
      return explicitTtl(ttlMs);
    } catch {
      this.#routeTrouble(context, 'the @CacheTTL() throws or is no positive number');
      return undefined;
    }
  }

  #record(
    key: string,
    http: HttpExchange,
    value: unknown,
    ttlMs: number,
  ): 'stored' | UnstorableReason {
    try {
      const { status } = http;
      const reason = http.isSent ? 'sent' : unstorableReason(status, value);
      if (reason !== undefined) return reason;
      const headers = http.responseHeaders(RECORDED_HEADERS);
      const body = JSON.stringify(value);
      const entry = { storedAtMs: Date.now(), ttlMs, status, headers, body };
      return this.#answers.record(key, entry) ? 'stored' : 'too-large';
    } catch {
      // A getter or proxy of the handler's; whether Nest can send it is not for the cache to say.
      return 'not-json';
    }
  }

  #routeTrouble(context: ExecutionContext, trouble: string): void {
    const route = `${context.getClass().name}.${context.getHandler().name}`;
    this.#troubles.started(`${route}: ${trouble}`, 'such requests are not cached');
  }
}

function bypass(http: HttpExchange, detail: BypassReason, next: CallHandler): Observable<unknown> {
  http.setHeaders(cacheStatusHeaders({ kind: 'bypass', detail }));
  return next.handle();
}
