import type { ExecutionContext } from '@nestjs/common';
import { CACHE_TTL_METADATA } from '@nestjs/cache-manager';
import type { Reflector } from '@nestjs/core';
import type { ResolvedLlmCacheOptions } from '../options/llm-cache-options.interface.js';
import type { LlmCacheRouteOptions } from './llm-cache.decorators.js';
import { explicitTtl, withJitter } from './policy/entry-ttl.js';

/** Metadata key of `@LlmCache()`. */
export const LLM_CACHE_ROUTE = 'nestjs-azure-redis:llm-cache';

/** The module's options with those of the controller and of the route. */
export type RouteOptions = ResolvedLlmCacheOptions &
  Pick<LlmCacheRouteOptions, 'cacheable' | 'tags'> & { readonly near: boolean };

export function routeOptions(
  defaults: ResolvedLlmCacheOptions,
  context: ExecutionContext,
  reflector: Reflector,
): RouteOptions {
  const of = (target: Parameters<Reflector['get']>[1]): LlmCacheRouteOptions | undefined =>
    reflector.get<LlmCacheRouteOptions | undefined>(LLM_CACHE_ROUTE, target);
  return { near: true, ...defaults, ...of(context.getClass()), ...of(context.getHandler()) };
}

/** @throws what a function of the user's throws; a TypeError for what is no list of names */
export async function tagsOf(
  { tags = [] }: Pick<LlmCacheRouteOptions, 'tags'>,
  context: ExecutionContext,
): Promise<readonly string[]> {
  return checkedTags(typeof tags === 'function' ? await tags(context) : tags);
}

/** @throws a TypeError for what is no list of names */
export function checkedTags(tags: unknown): readonly string[] {
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== ''))
    return tags;
  throw new TypeError('Expected the tags to be an array of names.');
}

/**
 * The lifetime by `@CacheTTL()` as the stock interceptor reads it, in milliseconds.
 *
 * @returns `undefined` for that of the cache manager. Throws what a function of the user's throws
 */
export async function stockTtl(
  context: ExecutionContext,
  reflector: Reflector,
): Promise<number | undefined> {
  const declared =
    reflector.get<unknown>(CACHE_TTL_METADATA, context.getHandler()) ??
    reflector.get<unknown>(CACHE_TTL_METADATA, context.getClass());
  const ttl: unknown = typeof declared === 'function' ? await declared(context) : declared;
  return typeof ttl === 'number' ? ttl : undefined;
}

/**
 * The lifetime of an answer, in milliseconds: by `@LlmCache()` or `@CacheTTL()` of the route, then
 * of the controller, or the default, a little shorter each time.
 *
 * @throws what a function of the user's throws; a TypeError when it is no lifetime
 */
export async function entryTtl(
  defaultTtlMs: number,
  context: ExecutionContext,
  reflector: Reflector,
): Promise<number> {
  const [declared] = [context.getHandler(), context.getClass()]
    .flatMap((target): unknown[] => [
      reflector.get<LlmCacheRouteOptions | undefined>(LLM_CACHE_ROUTE, target)?.ttlMs,
      reflector.get<unknown>(CACHE_TTL_METADATA, target),
    ])
    .filter((ttl) => ttl !== undefined);
  const named: unknown = typeof declared === 'function' ? await declared(context) : declared;
  // As in the stock interceptor, a function that names none leaves it to the default.
  return named === undefined || named === null ? withJitter(defaultTtlMs) : explicitTtl(named);
}
