import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import {
  CACHE_KEY_METADATA,
  CACHE_MANAGER,
  CacheInterceptor,
  type Cache,
} from '@nestjs/cache-manager';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import { takeLast, type Observable } from 'rxjs';
import { getLlmCacheServiceToken } from '../azure-redis.constants.js';
import type { LlmCacheScope } from '../options/llm-cache-options.interface.js';
import { HttpExchange } from './http-exchange.js';
import { isJsonObject } from './json-object.js';
import { requestTarget } from './key/request-target.js';
import { routeIdentity } from './key/route-identity.js';
import { resolvePrincipal } from './key/scope.js';
import type { LlmCacheService } from './llm-cache.service.js';
import type { LookupPlan } from './lookup-plan.js';
import type { BypassReason } from './policy/bypass.js';
import { cacheStatusHeaders } from './policy/cache-status.js';
import { NOT_STALE, type Staleness } from './policy/freshness.js';
import { useOfResponse } from './policy/own-response.js';
import { LITELLM_CONTROLS } from './policy/request-controls.js';
import { RouteDoor, type RouteAnswers } from './route-door.js';
import { entryTtl, routeOptions, tagsOf, type RouteOptions } from './route-options.js';
import { guardStockCacheManager } from './stock-cache-manager.js';

/**
 * Answers POST requests with a JSON body from the cache, on Express and Fastify:
 * `@UseInterceptors(LlmCacheInterceptor)`, or `@LlmCache({…})` for options.
 *
 * - The handler may answer in any way: a value, an Observable, `@Sse()`, an async generator, a web
 *   stream or `Response`, a Node stream, a `StreamableFile`, or by writing to `@Res()`. A hit comes
 *   the same way.
 * - The key is the meaning of the request and the credentials it came with; nobody gets the
 *   answer of another caller. Another rule: `scope`.
 * - Only complete answers with status 200 or 201 are stored. Identical requests at the same time
 *   share one call of the handler.
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
   * Who shares cached answers, for a subclass:
   * `protected override readonly scope = (context: ExecutionContext) => tenantOf(context);`
   *
   * @default `cache.llm.scope`
   */
  protected readonly scope: LlmCacheScope | undefined = undefined;

  readonly #cache: LlmCacheService;

  constructor(
    // Not provided with `cache: false`; LLM answers do not need it.
    @Optional() @Inject(CACHE_MANAGER) cacheManager: Cache | undefined,
    reflector: Reflector,
    @Inject(getLlmCacheServiceToken()) cache: LlmCacheService,
  ) {
    const onWriteFailure = (): void =>
      cache.troubles.started('The cache manager fails to write', 'answers are not cached');
    super(cacheManager && guardStockCacheManager(cacheManager, onWriteFailure), reflector);
    this.#cache = cache;
  }

  override async intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const http = new HttpExchange(this.httpAdapterHost.httpAdapter, context);
    const answers = this.#answersOf(context);
    const cacheKeyOfRoute: unknown = this.reflector.get(CACHE_KEY_METADATA, context.getHandler());
    if (http.method === 'POST' && cacheKeyOfRoute === undefined) {
      return this.#interceptPost(context, http, next, answers);
    }
    if (answers === 'raw') return next.handle();
    const asksForStream = isJsonObject(http.body) && http.body['stream'] === true;
    if (answers === 'events' || asksForStream) {
      if (!this.#cache.isFirstFor(http.identity)) return next.handle();
      return this.#bypass(context, http, 'stream', next);
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
    answers: RouteAnswers,
  ): Promise<Observable<unknown>> {
    // An outer one of us has it already: of the controller, or of the application.
    if (!this.#cache.isFirstFor(http.identity)) return next.handle();
    const { llm } = this.#cache.options;
    const { body } = http;
    if (llm.clientControls === 'litellm') http.removeFromBody(LITELLM_CONTROLS);
    const defaults = { ...llm, scope: this.scope ?? llm.scope };
    const options = routeOptions(defaults, context, this.reflector);
    if (!(await this.#isCacheable(context, options))) {
      return this.#bypass(context, http, 'not-cacheable', next);
    }
    const plan = await this.#plan(context, http, body, options, answers);
    if ('bypass' in plan) return this.#bypass(context, http, plan.bypass, next);
    const staleness = stalenessFor(context, options);
    const call = { http, next, answers, options, staleness, route: nameOf(context) };
    const door = new RouteDoor(this.#cache, call, plan, () => this.#ttlOf(context));
    return door.answer();
  }

  async #plan(
    context: ExecutionContext,
    http: HttpExchange,
    body: unknown,
    options: RouteOptions,
    answers: RouteAnswers,
  ): Promise<LookupPlan> {
    const { headers } = http;
    const target = requestTarget(http.url);
    const route = [...routeIdentity(http, target, context, this.reflector), answers];
    return this.#cache.plan({ path: target.path, route, headers, body }, async () => {
      const principal = await this.#principalOf(context, headers, options);
      if (principal === undefined) return 'scope';
      const tags = await this.#tagsOf(context, options);
      return tags === undefined ? 'tags' : { principal, tags };
    });
  }

  async #principalOf(
    context: ExecutionContext,
    headers: IncomingHttpHeaders,
    { scope }: RouteOptions,
  ): Promise<string | undefined> {
    try {
      return await resolvePrincipal(scope, context, headers, this.#cache.options.namespace);
    } catch {
      this.#routeTrouble(context, 'the scope function throws or returns no name');
      return undefined;
    }
  }

  async #tagsOf(
    context: ExecutionContext,
    options: RouteOptions,
  ): Promise<readonly string[] | undefined> {
    try {
      return await tagsOf(options, context);
    } catch {
      this.#routeTrouble(context, 'the tags function throws or returns no list of names');
      return undefined;
    }
  }

  #answersOf(context: ExecutionContext): RouteAnswers {
    const isSse = this.reflector.get<unknown>(SSE_METADATA, context.getHandler()) === true;
    if (isSse) return 'events';
    return useOfResponse(context) === 'writes' ? 'raw' : 'returned';
  }

  async #isCacheable(context: ExecutionContext, { cacheable }: RouteOptions): Promise<boolean> {
    try {
      return cacheable === undefined || (await cacheable(context));
    } catch {
      this.#routeTrouble(context, 'the cacheable function throws');
      return false;
    }
  }

  /** @returns `undefined` if the route names a lifetime that is none. */
  async #ttlOf(context: ExecutionContext): Promise<number | undefined> {
    try {
      return await entryTtl(this.#cache.options.ttlMs, context, this.reflector);
    } catch {
      this.#routeTrouble(context, 'the @CacheTTL() or ttlMs throws or is no positive number');
      return undefined;
    }
  }

  #bypass(
    context: ExecutionContext,
    http: HttpExchange,
    detail: BypassReason,
    next: CallHandler,
  ): Observable<unknown> {
    this.#cache.parts.bypassed(nameOf(context), http.body, detail);
    http.setHeaders(cacheStatusHeaders({ kind: 'bypass', detail }));
    return next.handle();
  }

  #routeTrouble(context: ExecutionContext, trouble: string): void {
    const what = `${nameOf(context)}: ${trouble}`;
    this.#cache.troubles.started(what, 'such requests are not cached');
  }
}

/** Headers of a call for others would be set too late, and what it writes has no reader. */
function stalenessFor(context: ExecutionContext, options: RouteOptions): Staleness {
  const { staleIfErrorMs } = options;
  switch (useOfResponse(context)) {
    case 'none':
      return options;
    case 'amends':
      return { ...NOT_STALE, staleIfErrorMs };
    case 'writes':
      return NOT_STALE;
  }
}

const nameOf = (context: ExecutionContext): string =>
  `${context.getClass().name}.${context.getHandler().name}`;
