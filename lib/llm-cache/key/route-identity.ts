import type { ExecutionContext } from '@nestjs/common';
import { VERSION_METADATA } from '@nestjs/common/constants.js';
import type { Reflector } from '@nestjs/core';
import type { HttpExchange } from '../http-exchange.js';

/**
 * Whatever tells this route from all others. The URL alone does not: versions may come from a
 * header, the host may name a tenant, and a handler may stream for those who accept events.
 */
export function routeIdentity(
  http: Pick<HttpExchange, 'method' | 'host' | 'headers'>,
  target: { readonly path: string; readonly query: string },
  context: ExecutionContext,
  reflector: Reflector,
): readonly string[] {
  const [handler, controller] = [context.getHandler(), context.getClass()];
  const version: unknown = reflector.getAllAndOverride(VERSION_METADATA, [handler, controller]);
  return [
    http.method,
    target.path,
    target.query,
    `${controller.name}.${handler.name}`,
    // Text of symbols too: VERSION_NEUTRAL is one.
    Array.isArray(version) ? JSON.stringify(version.map(String)) : String(version),
    http.host,
    // With its port, which the host name lacks.
    http.headers.host ?? '',
    /\btext\/event-stream\b/i.test(http.headers.accept ?? '') ? 'events' : '',
  ];
}
