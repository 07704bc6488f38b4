import {
  applyDecorators,
  SetMetadata,
  UseInterceptors,
  type ExecutionContext,
} from '@nestjs/common';
import type { LlmCachePacing, LlmCacheScope } from '../options/llm-cache-options.interface.js';
import { checkRouteOptions } from '../options/llm-cache-own-options.js';
import { LlmCacheInterceptor } from './llm-cache.interceptor.js';
import { LLM_CACHE_ROUTE } from './route-options.js';

/** Names the tags of a request. @publicApi */
export type LlmCacheTags = (
  context: ExecutionContext,
) => readonly string[] | Promise<readonly string[]>;

/** What a route, or all routes of a controller, may set for itself. @publicApi */
export interface LlmCacheRouteOptions {
  /** Who shares answers. @default `cache.llm.scope` */
  scope?: LlmCacheScope;
  /** Lifetime in milliseconds, or a function of the request. @default `@CacheTTL()`, `cache.ttlMs` */
  ttlMs?: number | ((context: ExecutionContext) => number | Promise<number>);
  /** Whether the request may be answered from the cache and its answer stored. @default always */
  cacheable?: (context: ExecutionContext) => boolean | Promise<boolean>;
  /** @default `cache.llm.pacing` */
  pacing?: LlmCachePacing;
  /** @default `cache.llm.verbatim` */
  verbatim?: boolean;
  /** @default `cache.llm.maxEntryBytes` */
  maxEntryBytes?: number;
  /** By which answers can be invalidated: a list, or a function of the request. @default none */
  tags?: readonly string[] | LlmCacheTags;
  /** @default `cache.llm.staleWhileRevalidateMs` */
  staleWhileRevalidateMs?: number;
  /** @default `cache.llm.staleIfErrorMs` */
  staleIfErrorMs?: number;
  /** @default `cache.llm.shadow` */
  shadow?: boolean;
  /** @default `cache.llm.resumable` */
  resumable?: boolean;
  /** Whether a process may remember answers, where `cache.near` is on. @default true */
  near?: boolean;
}

/**
 * Answers the POST requests of a route, or of a controller, from the cache: the
 * {@link LlmCacheInterceptor} with options of its own. Those of a route win over those of its
 * controller.
 *
 * @example
 * ```ts
 * @LlmCache({ scope: (context) => tenantOf(context), ttlMs: 600_000 })
 * ```
 * @throws AzureRedisOptionsError for options that are none, with all mistakes
 *
 * @publicApi
 */
export function LlmCache(options: LlmCacheRouteOptions = {}): MethodDecorator & ClassDecorator {
  checkRouteOptions(options);
  return applyDecorators(
    SetMetadata(LLM_CACHE_ROUTE, options),
    UseInterceptors(LlmCacheInterceptor),
  );
}
