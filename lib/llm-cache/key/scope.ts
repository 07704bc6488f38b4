import type { IncomingHttpHeaders } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { LlmCacheScope } from '../../options/llm-cache-options.interface.js';
import { credentialPrincipal } from './principal.js';

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
