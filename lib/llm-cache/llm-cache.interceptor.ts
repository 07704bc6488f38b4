import type { IncomingHttpHeaders } from 'node:http';
import {
  Inject,
  Injectable,
  Optional,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import { CACHE_MANAGER, CacheInterceptor, type Cache } from '@nestjs/cache-manager';
import { ModuleRef, Reflector } from '@nestjs/core';
import { of, takeLast, tap, type Observable } from 'rxjs';
import { getLlmCacheServiceToken } from '../azure-redis.constants.js';
import type { LlmCacheScope } from '../options/llm-cache-options.interface.js';
import { BytePath } from './byte-path/byte-path.js';
import { CachedRoutes, type CachedRoute } from './cached-route.js';
import { HttpExchange } from './http-exchange.js';
import { isJsonObject } from './json-object.js';
import { requestTarget } from './key/request-target.js';
import { routeIdentity } from './key/route-identity.js';
import { resolvePrincipal } from './key/scope.js';
import type { LlmCacheService } from './llm-cache.service.js';
import type { LookupPlan } from './lookup-plan.js';
import type { BypassReason } from './policy/bypass.js';
import { cacheStatusHeaders } from './policy/cache-status.js';
import { LITELLM_CONTROLS } from './policy/request-controls.js';
import { RouteDoor } from './route-door.js';
import { entryTtl, stockTtl, tagsOf, type RouteOptions } from './route-options.js';
import { StoredJson } from '../store/stored-json.js';
import { StoredValues } from './stored-values.js';

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
  readonly #stored: StoredValues | undefined;
  #openBytePath: BytePath | undefined;
  #knownRoutes: CachedRoutes | undefined;

  /** @internal */
  @Optional()
  @Inject(ModuleRef)
  protected readonly moduleRef: ModuleRef | undefined;

  constructor(
    // Not provided with `cache: false`; LLM answers do not need it.
    @Optional() @Inject(CACHE_MANAGER) cacheManager: Cache | undefined,
    reflector: Reflector,
    @Inject(getLlmCacheServiceToken()) cache: LlmCacheService,
  ) {
    super(cacheManager, reflector);
    this.#cache = cache;
    const onWriteFailure = (): void =>
      cache.troubles.started('The cache manager fails to write', 'answers are not cached');
    this.#stored = cacheManager && new StoredValues(cacheManager, onWriteFailure);
  }

  override async intercept(
    context: ExecutionContext,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle();
    const http = new HttpExchange(this.httpAdapterHost.httpAdapter, context);
    const route = this.#routes.of(context);
    if (http.method === 'POST' && !route.hasCacheKey) {
      return this.#interceptPost(context, http, next, route);
    }
    if (route.answers === 'raw') return next.handle();
    const asksForStream = isJsonObject(http.body) && http.body['stream'] === true;
    if (route.answers === 'events' || asksForStream) {
      if (!this.#cache.isFirstFor(http.identity)) return next.handle();
      return this.#bypass(context, http, 'stream', next);
    }
    return this.#stored === undefined
      ? next.handle()
      : this.#interceptStored(context, http, next, this.#stored);
  }

  /** What the stock interceptor does, step by step. */
  async #interceptStored(
    context: ExecutionContext,
    http: HttpExchange,
    next: CallHandler,
    stored: StoredValues,
  ): Promise<Observable<unknown>> {
    const key = await this.trackBy(context);
    if (key === undefined || key === null || key === '') return next.handle();
    try {
      const value: unknown = stored.near(key) ?? (await stored.get(key));
      this.setHeadersWhenHttp(context, value);
      if (value !== undefined && value !== null) return of(this.#given(context, http, value));
      const ttlMs = await stockTtl(context, this.reflector);
      // It stores every value of an Observable, also of one that fails later.
      return next.handle().pipe(
        takeLast(1),
        tap((answer) => void stored.set(key, answer, ttlMs)),
      );
    } catch {
      return next.handle();
    }
  }

  #given(context: ExecutionContext, http: HttpExchange, value: unknown): unknown {
    if (!(value instanceof StoredJson)) return value;
    return this.#bytePath.through(context, http, value.bytes) ?? value.parse();
  }

  /** Only now: a subclass sets its scope after this constructor. */
  get #routes(): CachedRoutes {
    this.#knownRoutes ??= this.#newRoutes();
    return this.#knownRoutes;
  }

  #newRoutes(): CachedRoutes {
    const { llm } = this.#cache.options;
    return new CachedRoutes({ ...llm, scope: this.scope ?? llm.scope }, this.reflector);
  }

  /** Only now: Nest sets its members after the constructor. */
  get #bytePath(): BytePath {
    this.#openBytePath ??= new BytePath(this.moduleRef, isOneOfOurs);
    return this.#openBytePath;
  }

  /** A `@CacheKey()` function that throws leaves the request to its handler. */
  protected override trackBy(context: ExecutionContext): ReturnType<CacheInterceptor['trackBy']> {
    const onTrouble = (): undefined => {
      this.#routeTrouble(context, 'the @CacheKey() function throws');
    };
    try {
      const key = super.trackBy(context);
      return key instanceof Promise ? key.catch(onTrouble) : key;
    } catch {
      return onTrouble();
    }
  }

  async #interceptPost(
    context: ExecutionContext,
    http: HttpExchange,
    next: CallHandler,
    route: CachedRoute,
  ): Promise<Observable<unknown>> {
    // An outer one of us has it already: of the controller, or of the application.
    if (!this.#cache.isFirstFor(http.identity)) return next.handle();
    const { body } = http;
    if (route.options.clientControls === 'litellm') http.removeFromBody(LITELLM_CONTROLS);
    if (!(await this.#isCacheable(context, route.options))) {
      return this.#bypass(context, http, 'not-cacheable', next);
    }
    const plan = await this.#plan(context, http, body, route);
    if ('bypass' in plan) return this.#bypass(context, http, plan.bypass, next);
    const unchanged = (json: Buffer): Buffer | string | undefined =>
      this.#bytePath.through(context, http, json);
    const call = { http, next, route, unchanged };
    const door = new RouteDoor(this.#cache, call, plan, () => this.#ttlOf(context));
    return door.answer();
  }

  async #plan(
    context: ExecutionContext,
    http: HttpExchange,
    body: unknown,
    { options, answers }: CachedRoute,
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

/** A class of ours, or an instance. */
const isOneOfOurs = (interceptor: unknown): boolean =>
  interceptor instanceof LlmCacheInterceptor ||
  interceptor === LlmCacheInterceptor ||
  (typeof interceptor === 'function' && interceptor.prototype instanceof LlmCacheInterceptor);

const nameOf = (context: ExecutionContext): string =>
  `${context.getClass().name}.${context.getHandler().name}`;
