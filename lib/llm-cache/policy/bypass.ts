import type { AzureRedisOptions } from '../../options/azure-redis-options.interface.js';
import { JSON_MEDIA_TYPE } from '../json-object.js';
import type { LlmProtocol } from '../protocols/llm-protocol.interface.js';
import type { RequestControls } from './request-controls.js';

/** Why a request is answered by its handler without a look into the cache. */
export type BypassReason =
  | 'stream'
  | 'default-off'
  | 'call-type'
  | 'not-json'
  | 'stateful'
  | 'hosted-tool'
  | 'not-cacheable'
  | 'scope'
  | 'tags'
  | 'protocol'
  | 'key';

/** The reason to bypass the cache, or `undefined` if the request may be looked up. */
export function bypassReason(
  request: { readonly contentType: string | undefined; readonly body: unknown },
  protocol: Pick<LlmProtocol, 'name' | 'callTypes'>,
  { useCache }: Pick<RequestControls, 'useCache'>,
  options: Pick<AzureRedisOptions['cache'], 'mode' | 'supportedCallTypes'>,
): BypassReason | undefined {
  if (options.mode === 'default_off' && !useCache) return 'default-off';
  if (!isSupported(protocol, options.supportedCallTypes)) return 'call-type';
  const { body, contentType = '' } = request;
  const isJson = JSON_MEDIA_TYPE.test(contentType) && body !== undefined && body !== null;
  return isJson ? undefined : 'not-json';
}

function isSupported(
  { name, callTypes }: Pick<LlmProtocol, 'name' | 'callTypes'>,
  supported: readonly string[] | undefined,
): boolean {
  if (supported === undefined) return true;
  // An empty list means that no LLM answer is cached, on whatever route.
  if (supported.length === 0) return false;
  return name === 'json' || callTypes.some((type) => supported.includes(type));
}
