import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject, type JsonObject } from '../json-object.js';

/** The body member with the wishes of LiteLLM's clients. */
export const LITELLM_CONTROLS = 'cache';

/** Longest namespace that a caller may name. */
export const MAX_NAMESPACE_LENGTH = 200;

/**
 * Which controls of a caller count. `http`: the request directives of RFC 9111. `litellm`: those
 * and LiteLLM's body member `cache`.
 */
export type RequestControlsMode = false | 'http' | 'litellm';

/** What a caller asks of the cache. */
export interface RequestControls {
  /** Do not answer from the cache; the fresh answer may still be stored. */
  readonly noCache: boolean;
  /** Do not store the answer; a stored one may still be served. */
  readonly noStore: boolean;
  /** Answer from the cache or not at all (504). */
  readonly onlyIfCached: boolean;
  /** Oldest stored answer that the caller accepts; never 0, which is `noCache`. */
  readonly maxAgeMs: number | undefined;
  /** Lifetime of the answer if it is stored, within the limit. */
  readonly ttlMs: number | undefined;
  /** A part of the caller's own scope, never a way out of it. */
  readonly namespace: string | undefined;
  /** Use the cache although it is `default_off`. */
  readonly useCache: boolean;
}

const NEUTRAL: RequestControls = {
  noCache: false,
  noStore: false,
  onlyIfCached: false,
  maxAgeMs: undefined,
  ttlMs: undefined,
  namespace: undefined,
  useCache: false,
};

/** Commas inside a quoted string do not end a directive; a quote that is left open runs to the end. */
const DIRECTIVE = /(?:[^",]|"(?:[^"\\]|\\.?)*"?)+/gs;

/** RFC 9110: a token, and with `=` behind it an argument. */
const NAME_AND_ARGUMENT = /^([\w!#$%&'*+.^`|~-]+)(?:=(.*))?$/s;

/** Both forms are to be accepted (RFC 9111 section 5.2). */
const DELTA_SECONDS = /^(?:(\d+)|"(\d+)")$/;

/** RFC 9111 section 1.2.2: what is too large to hold counts as 2^31 seconds. */
const MAX_DELTA_SECONDS = 2 ** 31;

type Directives = ReadonlyMap<string, readonly string[]>;

/**
 * What the caller asks for, from headers and body. Whatever is not understood is ignored, as
 * both RFC 9111 and LiteLLM have it; of two limits of the age the stricter one counts.
 *
 * RFC 9111 sections 5.2.1 and 5.4; LiteLLM's "dynamic cache controls", in seconds.
 */
export function readRequestControls(
  headers: IncomingHttpHeaders,
  body: JsonObject | undefined,
  mode: RequestControlsMode,
  limits: { readonly maxTtlMs: number },
): RequestControls {
  if (mode === false) return NEUTRAL;
  const directives = cacheControl(headers);
  const control = mode === 'litellm' ? body?.['cache'] : undefined;
  const member = isJsonObject(control) ? control : {};

  const ages = [...maxAges(directives), ...memberMaxAge(member)];
  const maxAge = ages.length === 0 ? undefined : Math.min(...ages);
  const noCache = directives.has('no-cache') || member['no-cache'] === true || maxAge === 0;
  return {
    noCache,
    noStore: directives.has('no-store') || member['no-store'] === true,
    onlyIfCached: directives.has('only-if-cached'),
    maxAgeMs: maxAge === undefined || maxAge === 0 ? undefined : maxAge * 1000,
    ttlMs: memberTtl(member['ttl'], limits.maxTtlMs),
    namespace: memberNamespace(member['namespace']),
    useCache: member['use-cache'] === true,
  };
}

/** The body as the provider knows it, without LiteLLM's member `cache`. */
export function withoutControls(body: JsonObject): JsonObject {
  const { cache: _cache, ...rest } = body;
  return rest;
}

function cacheControl(headers: IncomingHttpHeaders): Directives {
  const text = headerText(headers, 'cache-control');
  if (text !== undefined) return readDirectives(text);
  // Pragma is what HTTP/1.0 had; it means nothing beside Cache-Control.
  const pragma = readDirectives(headerText(headers, 'pragma') ?? '');
  return new Map([...pragma].filter(([name]) => name === 'no-cache'));
}

function headerText(headers: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** Names in lower case, each with its arguments, `''` for none. */
function readDirectives(text: string): Directives {
  const directives = new Map<string, string[]>();
  for (const [directive] of text.matchAll(DIRECTIVE)) {
    const [, name, argument = ''] = NAME_AND_ARGUMENT.exec(directive.trim()) ?? [];
    if (name === undefined) continue;
    const known = directives.get(name.toLowerCase());
    if (known === undefined) directives.set(name.toLowerCase(), [argument]);
    else known.push(argument);
  }
  return directives;
}

function maxAges(directives: Directives): readonly number[] {
  return (directives.get('max-age') ?? []).flatMap((argument) => {
    const [, bare, quoted] = DELTA_SECONDS.exec(argument) ?? [];
    const digits = bare ?? quoted;
    return digits === undefined ? [] : [Math.min(Number(digits), MAX_DELTA_SECONDS)];
  });
}

/** LiteLLM serves an answer if `now - stored <= limit`, so that nothing is young enough for -1. */
function memberMaxAge(member: JsonObject): readonly number[] {
  const limit = [member['s-max-age'], member['s-maxage']].find(isFiniteNumber);
  return limit === undefined ? [] : [Math.max(0, limit)];
}

function memberTtl(seconds: unknown, maxTtlMs: number): number | undefined {
  if (!isFiniteNumber(seconds) || seconds <= 0) return undefined;
  // Redis takes whole milliseconds, and 0 would be no lifetime at all.
  return Math.min(Math.max(1, Math.round(seconds * 1000)), maxTtlMs);
}

function memberNamespace(name: unknown): string | undefined {
  const isName = typeof name === 'string' && name !== '' && name.length <= MAX_NAMESPACE_LENGTH;
  return isName ? name : undefined;
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
