import type { AzureRedisOptions } from '../../options/azure-redis-options.interface.js';
import { isJsonObject } from '../json-object.js';
import type { LlmRoute } from '../llm-route.js';

/** Why a request is answered by its handler without a look into the cache. */
export type BypassReason =
  'stream' | 'default-off' | 'call-type' | 'not-json' | 'stateful' | 'scope' | 'key';

/** Members that make the answer depend on what the provider remembers, or change it. */
const STATEFUL_FIELDS = ['background', 'conversation', 'previous_response_id'] as const;

const JSON_MEDIA_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

export function asksForStream(body: unknown): boolean {
  return isJsonObject(body) && body['stream'] === true;
}

/** The reason to bypass the cache, or `undefined` if the request may be looked up. */
export function bypassReason(
  request: { readonly contentType: string | undefined; readonly body: unknown },
  route: LlmRoute | undefined,
  options: Pick<AzureRedisOptions['cache'], 'mode' | 'supportedCallTypes'>,
): BypassReason | undefined {
  if (options.mode === 'default_off') return 'default-off';
  if (!isSupported(route, options.supportedCallTypes)) return 'call-type';
  const { body, contentType = '' } = request;
  if (!JSON_MEDIA_TYPE.test(contentType) || body === undefined || body === null) return 'not-json';
  if (asksForStream(body)) return 'stream';
  return route !== undefined && isStateful(body) ? 'stateful' : undefined;
}

function isSupported(
  route: LlmRoute | undefined,
  supported: readonly string[] | undefined,
): boolean {
  if (supported === undefined) return true;
  // An empty list means that no LLM answer is cached, on whatever route.
  if (supported.length === 0) return false;
  return route === undefined || route.callTypes.some((type) => supported.includes(type));
}

function isStateful(body: unknown): boolean {
  return (
    isJsonObject(body) &&
    STATEFUL_FIELDS.some((name) => ![undefined, null, false].some((off) => off === body[name]))
  );
}
