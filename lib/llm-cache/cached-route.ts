import type { ExecutionContext } from '@nestjs/common';
import { CACHE_KEY_METADATA } from '@nestjs/cache-manager';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import type { Reflector } from '@nestjs/core';
import type { ResolvedLlmCacheOptions } from '../options/llm-cache-options.interface.js';
import { NOT_STALE, type Staleness } from './policy/freshness.js';
import { useOfResponse, type UseOfResponse } from './policy/own-response.js';
import { routeOptions, type RouteOptions } from './route-options.js';

/** How the handler of a route answers: by what it returns, by `@Sse()` events, or to `@Res()`. */
export type RouteAnswers = 'returned' | 'events' | 'raw';

/** What is the same for all requests to a route. */
export interface CachedRoute {
  /** For the statistics. */
  readonly name: string;
  readonly answers: RouteAnswers;
  readonly options: RouteOptions;
  readonly staleness: Staleness;
  /** `@CacheKey()`: as with the stock interceptor, whatever the method. */
  readonly hasCacheKey: boolean;
}

/** Reads each route once: to ask for its metadata takes longer than to find an answer. */
export class CachedRoutes {
  readonly #defaults: ResolvedLlmCacheOptions;
  readonly #reflector: Reflector;
  /** By controller and handler, which may belong to several controllers. */
  readonly #known = new WeakMap<object, WeakMap<object, CachedRoute>>();

  constructor(defaults: ResolvedLlmCacheOptions, reflector: Reflector) {
    this.#defaults = defaults;
    this.#reflector = reflector;
  }

  of(context: ExecutionContext): CachedRoute {
    const [controller, handler] = [context.getClass(), context.getHandler()];
    const ofController = this.#known.get(controller) ?? new WeakMap<object, CachedRoute>();
    const known = ofController.get(handler);
    if (known !== undefined) return known;
    const route = this.#read(context);
    this.#known.set(controller, ofController.set(handler, route));
    return route;
  }

  #read(context: ExecutionContext): CachedRoute {
    const handler = context.getHandler();
    const options = routeOptions(this.#defaults, context, this.#reflector);
    const use = useOfResponse(context);
    const isSse = this.#reflector.get<unknown>(SSE_METADATA, handler) === true;
    return {
      name: `${context.getClass().name}.${handler.name}`,
      answers: isSse ? 'events' : use === 'writes' ? 'raw' : 'returned',
      options,
      staleness: stalenessFor(use, options),
      hasCacheKey: this.#reflector.get<unknown>(CACHE_KEY_METADATA, handler) !== undefined,
    };
  }
}

/** Headers of a call for others would be set too late, and what it writes has no reader. */
function stalenessFor(use: UseOfResponse, { staleIfErrorMs, ...options }: RouteOptions): Staleness {
  switch (use) {
    case 'none':
      return { staleIfErrorMs, staleWhileRevalidateMs: options.staleWhileRevalidateMs };
    case 'amends':
      return { ...NOT_STALE, staleIfErrorMs };
    case 'writes':
      return NOT_STALE;
  }
}
