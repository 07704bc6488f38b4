import type { IncomingHttpHeaders } from 'node:http';
import type { AzureRedisOptions } from '../options/azure-redis-options.interface.js';
import { isJsonObject, type JsonObject } from './json-object.js';
import { epochName } from './invalidation/epoch-names.js';
import type { Epoch, Epochs } from './invalidation/epochs.js';
import type { ExplainedRequest } from './explanation/explained-request.js';
import { cacheKey, keyInEpoch, semanticHeaders } from './key/cache-key.js';
import { partDigest } from './key/body-digest.js';
import { BodyDigests } from './key/body-digests.js';
import type { OmittedFields } from './key/canonical-json.js';
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

/** In whose name a request is asked, and what it is about. */
export interface RequestParties {
  readonly principal: string;
  /** By which its answer can be invalidated. */
  readonly tags: readonly string[];
}

/** Where to look for the answer to a request. */
export interface Lookup extends RequestParties {
  /** The same in every epoch. */
  readonly lastingKey: string;
  readonly key: string;
  readonly epoch: Epoch;
  readonly protocol: LlmProtocol;
  readonly model: string | undefined;
  /** Without the wishes of the caller. */
  readonly body: JsonObject;
  readonly explained: () => ExplainedRequest;
  readonly controls: RequestControls;
  /** Key of a part of the request; `undefined` if it has none. */
  readonly keyOf: (part: JsonObject) => string | undefined;
}

/** Where to look for the answer, or why not to. */
export type LookupPlan = Lookup | { readonly bypass: BypassReason };

/**
 * @param own protocols of the user, asked first
 * @param partiesOf asked only for requests that can be cached; may say why this one cannot
 * @param digests those of earlier bodies
 */
export async function planLookup(
  { path, route, headers, body: sent }: LlmRequest,
  options: Pick<AzureRedisOptions['cache'], 'mode' | 'namespace' | 'supportedCallTypes' | 'llm'>,
  own: readonly LlmProtocol[],
  epochs: Pick<Epochs, 'epochOf' | 'current'>,
  partiesOf: () => Promise<RequestParties | 'scope' | 'tags'>,
  digests: BodyDigests = new BodyDigests(),
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
  const digest = await digests.digestOf(body, protocol.name, omitted);
  if (digest === undefined) return { bypass: 'key' };
  const parties = await partiesOf();
  if (typeof parties === 'string') return { bypass: parties };
  const { principal, tags } = parties;
  const keyOfBody = (bodyDigest: string): string =>
    cacheKey({
      namespace: options.namespace,
      route,
      protocol: protocol.name,
      principal,
      partition: controls.namespace,
      headers,
      body: bodyDigest,
    });
  const lastingKey = keyOfBody(digest);
  const model = typeof known['model'] === 'string' ? known['model'] : undefined;
  const names = [
    epochName('principal', principal),
    ...(model === undefined ? [] : [epochName('model', model)]),
    ...tags.map((tag) => epochName('tag', tag)),
  ];
  const epoch = await epochs.epochOf([...names, epochName('key', lastingKey)]);
  const key = keyInEpoch(lastingKey, epoch.text);
  let ofParts: Epoch | undefined;
  const keyOf = (part: JsonObject): string | undefined => {
    // A part belongs to many requests: the invalidation of one of them is not its own.
    ofParts ??= epochs.current(names) ?? epoch;
    const ofPart = partDigest(part, omitted);
    return ofPart === undefined ? undefined : keyInEpoch(keyOfBody(ofPart), ofParts.text);
  };
  const explained = (): ExplainedRequest => ({
    route: JSON.stringify([...route, protocol.name]),
    principal: JSON.stringify([principal, controls.namespace ?? null]),
    epoch: epoch.text,
    policy: JSON.stringify(semanticHeaders(headers)),
    protocol,
    omitted,
    body: known,
  });
  return {
    principal,
    tags,
    lastingKey,
    key,
    epoch,
    protocol,
    model,
    body: known,
    explained,
    controls,
    keyOf,
  };
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
