import type { IncomingHttpHeaders } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import { credentialPrincipal } from './principal.js';

/**
 * Who shares cached answers: `'public'` means every caller of the route; a function names the
 * tenant or user of the request, and only requests with the same name share.
 *
 * A function that throws, or returns anything but a non-empty string, leaves the request to its
 * handler, uncached.
 *
 * @publicApi
 */
export type LlmCacheScope = 'public' | ((context: ExecutionContext) => string | Promise<string>);

/** @returns the principal for the key. Throws what the scope function throws. */
export async function resolvePrincipal(
  scope: LlmCacheScope | undefined,
  context: ExecutionContext,
  headers: IncomingHttpHeaders,
  namespace: string,
): Promise<string> {
  if (scope === undefined) return credentialPrincipal(headers, namespace);
  if (scope === 'public') return 'public';
  const name: unknown = await scope(context);
  // An empty name is most likely a tenant that was not found; it must not be shared.
  if (typeof name !== 'string' || name === '') {
    throw new TypeError('Expected the scope function to return a non-empty string.');
  }
  return `scope:${name}`;
}
