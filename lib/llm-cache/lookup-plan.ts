import type { IncomingHttpHeaders } from 'node:http';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import { isJsonObject, type JsonObject } from './json-object.js';
import { cacheKey } from './key/cache-key.js';
import { canonicalJson, type OmittedFields } from './key/canonical-json.js';
import { bypassReason, type BypassReason } from './policy/bypass.js';
import {
  readRequestControls,
  withoutControls,
  type RequestControls,
} from './policy/request-controls.js';
import type { LlmProtocol } from './protocols/llm-protocol.interface.js';
import { recogniseProtocol } from './protocols/protocols.js';

/** A request, whichever door it came by. */
export interface LlmRequest {
  readonly path: string;
  /** Whatever tells the route, or the upstream, from all others; path and query included. */
  readonly route: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** Where to look for the answer to a request. */
export interface Lookup {
  readonly key: string;
  readonly protocol: LlmProtocol;
  /** Without the wishes of the caller. */
  readonly body: JsonObject;
  readonly controls: RequestControls;
  /** Key of a part of the request; `undefined` if it has none. */
  readonly keyOf: (part: JsonObject) => string | undefined;
}

/** Where to look for the answer, or why not to. */
export type LookupPlan = Lookup | { readonly bypass: BypassReason };

/**
 * @param own protocols of the user, asked first
 * @param principal asked only for requests that can be cached; `undefined` is nobody who could
 * be told from others
 */
export async function planLookup(
  { path, route, headers, body: sent }: LlmRequest,
  options: Pick<AzureRedisOptions['cache'], 'mode' | 'namespace' | 'supportedCallTypes' | 'llm'>,
  own: readonly LlmProtocol[],
  principal: () => Promise<string | undefined>,
): Promise<LookupPlan> {
  const { clientControls, ignoredParameters } = options.llm;
  const object = isJsonObject(sent) ? sent : undefined;
  const controls = readRequestControls(headers, object, clientControls, options.llm);
  const isWishStripped = clientControls === 'litellm' && object !== undefined;
  const body = isWishStripped ? withoutControls(object) : sent;
  const known = isJsonObject(body) ? body : {};
  const protocol = recogniseProtocol(path, known, own);
  const content = { contentType: headers['content-type'], body };
  const reason = bypassReason(content, protocol, controls, options) ?? protocol.bypass(known);
  if (reason !== undefined) return { bypass: reason };
  const omitted = omittedBy(protocol, ignoredParameters);
  const text = canonicalJson(body, omitted);
  if (text === undefined) return { bypass: 'key' };
  const name = await principal();
  if (name === undefined) return { bypass: 'scope' };
  const keyOfText = (canonical: string): string =>
    cacheKey({
      namespace: options.namespace,
      route,
      protocol: protocol.name,
      principal: name,
      partition: controls.namespace,
      headers,
      body: canonical,
    });
  const keyOf = (part: JsonObject): string | undefined => {
    const canonical = canonicalJson(part, omitted);
    return canonical === undefined ? undefined : keyOfText(canonical);
  };
  return { key: keyOfText(text), protocol, body: known, controls, keyOf };
}

/** On other routes any parameter may be the question; Responses are answered with what was asked. */
const ALL_COUNTS: ReadonlySet<string> = new Set(['json', 'openai-responses']);

/** The members inside others, markers for the prompt cache of the provider, are left out always. */
function omittedBy(
  { name, omitted }: LlmProtocol,
  ignored: readonly string[] | undefined,
): OmittedFields {
  return ignored === undefined || ALL_COUNTS.has(name)
    ? omitted
    : { ...omitted, names: new Set(ignored) };
}
