import { AzureRedisError } from '../../azure-redis.errors.js';
import { describeValue, quoteName } from '../../options/describe-value.js';
import { ALL, epochName } from './epoch-names.js';

/** Members of a wrong target that an error names. */
const MAX_DESCRIBED = 4;

/**
 * Which stored answers to invalidate: exactly one of these.
 *
 * - `all`: every answer of the cache, i.e. of its namespace.
 * - `key`: the one with this cache key.
 * - `tag`: those with this tag, or with this group of the response header `Cache-Groups`
 *   (RFC 9875).
 * - `model`: those to requests for this model, by the name that the request has for it.
 * - `principal`: those of this tenant or user, by the name that the `scope` function returned.
 *   `'public'` also means the answers of `scope: 'public'`.
 *
 * @publicApi
 */
export type LlmCacheInvalidation =
  | { readonly all: true }
  | { readonly key: string }
  | { readonly tag: string }
  | { readonly model: string }
  | { readonly principal: string };

/**
 * The names to invalidate.
 *
 * @throws AzureRedisError `INVALID_OPTIONS` for anything that is not one target
 */
export function namesToInvalidate(target: LlmCacheInvalidation): readonly [string, ...string[]] {
  const [member, ...others] = membersOf(target);
  if (member === undefined || others.length > 0) throw wrongTarget(target);
  const [subject, value] = member;
  if (subject === 'all' && value === true) return [ALL];
  if (typeof value !== 'string' || value === '') throw wrongTarget(target);
  switch (subject) {
    case 'key':
    case 'tag':
    case 'model':
      return [epochName(subject, value)];
    case 'principal':
      return principalNames(value);
    default:
      throw wrongTarget(target);
  }
}

function principalNames(name: string): readonly [string, ...string[]] {
  const [first, ...others] = principalsNamed(name);
  return [epochName('principal', first), ...others.map((other) => epochName('principal', other))];
}

/**
 * The principals of the cache key that a user means by a name. A tenant may be called like the
 * public: better both than the wrong one.
 */
export function principalsNamed(name: string): readonly [string, ...string[]] {
  return name === 'public' ? [`scope:${name}`, name] : [`scope:${name}`];
}

function membersOf(target: unknown): readonly (readonly [string, unknown])[] {
  return typeof target === 'object' && target !== null ? Object.entries(target) : [];
}

function wrongTarget(target: unknown): AzureRedisError {
  return new AzureRedisError(
    'INVALID_OPTIONS',
    `invalidate(): expected { all: true }, or exactly one of "key", "tag", "model" and "principal" with a string that is not empty; got ${described(target)}. Pass one target per call.`,
  );
}

/** Without values, which may name persons. */
function described(target: unknown): string {
  const members = membersOf(target);
  if (members.length === 0 || Array.isArray(target)) return describeValue(target);
  const parts = members
    .slice(0, MAX_DESCRIBED)
    .map(([name, value]) => `${quoteName(name)}: ${describeValue(value)}`);
  if (members.length > MAX_DESCRIBED) parts.push('…');
  return `{ ${parts.join(', ')} }`;
}
