import type { IncomingHttpHeaders } from 'node:http';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import { cacheKey } from './key/cache-key.js';
import { canonicalJson } from './key/canonical-json.js';
import { NON_SEMANTIC_LLM_FIELDS } from './key/omitted-fields.js';
import { recogniseLlmRoute } from './llm-route.js';
import { bypassReason, type BypassReason } from './policy/bypass.js';

/** A request, whoever received it. */
export interface LlmRequest {
  readonly path: string;
  /** Whatever tells the route from all others, path and query included. */
  readonly route: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** Where to look for the answer to a request, or why not to. */
export type LookupPlan = { readonly key: string } | { readonly bypass: BypassReason };

/**
 * @param principal asked only for requests that can be cached; `undefined` is nobody who could
 * be told from others
 */
export async function planLookup(
  { path, route, headers, body }: LlmRequest,
  options: Pick<AzureRedisOptions['cache'], 'mode' | 'namespace' | 'supportedCallTypes'>,
  principal: () => Promise<string | undefined>,
): Promise<LookupPlan> {
  const llmRoute = recogniseLlmRoute(path, body);
  const reason = bypassReason({ contentType: headers['content-type'], body }, llmRoute, options);
  if (reason !== undefined) return { bypass: reason };
  const text = canonicalJson(body, llmRoute && NON_SEMANTIC_LLM_FIELDS);
  if (text === undefined) return { bypass: 'key' };
  const name = await principal();
  if (name === undefined) return { bypass: 'scope' };
  const { namespace } = options;
  return {
    key: cacheKey({ namespace, route, protocol: 'json', principal: name, headers, body: text }),
  };
}
