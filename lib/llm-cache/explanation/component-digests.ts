import { canonicalJson } from '../key/canonical-json.js';
import type { RequestComponents } from '../protocols/llm-protocol.interface.js';
import type { ExplainedRequest } from './explained-request.js';

/** What differs between the entries of one principal, in the order in which it is told. */
export const COMPARED_NAMES = [
  'model',
  'system',
  'tools',
  'schema',
  'parameters',
  'history',
  'last message',
  'epoch',
  'policy',
] as const;

export type ComparedName = (typeof COMPARED_NAMES)[number];

/** Comparable within one principal and route only, so that they link nobody to anybody. */
export type ComponentDigests = ReadonlyMap<ComparedName, string>;

/** A keyed digest: who does not know the key cannot confirm what he guesses. */
export type Digest = (text: string) => Buffer;

export interface RequestDigests {
  readonly route: string;
  readonly principal: string;
  readonly components: ComponentDigests;
  /** Of everything but the principal; comparable within the route. */
  readonly ofAnyPrincipal: string;
}

/** Enough for 32 entries to have nothing in common by chance. */
const DIGEST_BYTES = 8;

/** @returns `undefined` for what has no canonical text */
export function requestDigests(
  request: ExplainedRequest,
  digest: Digest,
): RequestDigests | undefined {
  const { route, principal } = request;
  const label = (...parts: readonly string[]): string => JSON.stringify(['explanation', ...parts]);
  const short = (text: string): string =>
    digest(text).subarray(0, DIGEST_BYTES).toString('base64url');

  const components = new Map<ComparedName, string>();
  const all: string[] = [];
  for (const [name, text] of componentTexts(request)) {
    if (text === undefined) return undefined;
    // The text may be long: it is digested once, for both purposes.
    const ofText = digest(label('component', name) + text).toString('base64url');
    all.push(ofText);
    components.set(name, short(label('own', route, principal, ofText)));
  }
  return { route, principal, components, ofAnyPrincipal: short(label('any', route, ...all)) };
}

function componentTexts({
  protocol,
  body,
  omitted,
  epoch,
  policy,
}: ExplainedRequest): readonly (readonly [ComparedName, string | undefined])[] {
  const parts: RequestComponents = protocol.components?.(body) ?? { parameters: body };
  // One that holds only what is omitted is as good as none.
  const textOf = (part: RequestComponents[keyof RequestComponents]): string | undefined =>
    canonicalJson(part ?? {}, omitted);
  return [
    ['model', textOf(parts.model)],
    ['system', textOf(parts.system)],
    ['tools', textOf(parts.tools)],
    ['schema', textOf(parts.schema)],
    ['parameters', textOf(parts.parameters)],
    ['history', textOf(parts.history)],
    ['last message', textOf(parts.lastMessage)],
    // As JSON, because hashing replaces lone surrogates.
    ['epoch', JSON.stringify(epoch)],
    ['policy', JSON.stringify(policy)],
  ];
}
