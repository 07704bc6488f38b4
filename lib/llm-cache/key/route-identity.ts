import type { ExecutionContext } from '@nestjs/common';
import { HOST_METADATA, VERSION_METADATA } from '@nestjs/common/constants.js';
import type { Reflector } from '@nestjs/core';
import type { HttpExchange } from '../http-exchange.js';

/**
 * Whatever tells this route from all others. The URL alone does not: versions may come from a
 * header, and a controller may be bound to a host.
 */
export function routeIdentity(
  http: Pick<HttpExchange, 'method' | 'host'>,
  target: { readonly path: string; readonly query: string },
  context: ExecutionContext,
  reflector: Reflector,
): readonly string[] {
  const [handler, controller] = [context.getHandler(), context.getClass()];
  const version: unknown = reflector.getAllAndOverride(VERSION_METADATA, [handler, controller]);
  const isHostBound = reflector.get<unknown>(HOST_METADATA, controller) !== undefined;
  return [
    http.method,
    target.path,
    target.query,
    `${controller.name}.${handler.name}`,
    // Text of symbols too: VERSION_NEUTRAL is one.
    Array.isArray(version) ? JSON.stringify(version.map(String)) : String(version),
    isHostBound ? http.host : '',
  ];
}
