import { isJsonObject } from '../json-object.js';
import { MAX_JSON_DEPTH } from '../key/canonical-json.js';

/** Why an answer is sent but not stored. */
export type UnstorableReason =
  /** Somebody else has answered. */
  | 'sent'
  | 'status'
  | 'no-value'
  /** A stream that cannot be read twice. */
  | 'stream'
  | 'encoded'
  /** The handler says `Vary` or `no-store`. */
  | 'forbidden'
  | 'not-json'
  | 'not-stream'
  /** It failed, or was stopped, before its end. */
  | 'cut'
  | 'error'
  | 'empty'
  /** Cut, filtered or refused by the model. */
  | 'unfinished'
  | 'too-large'
  /** The caller does not want it. */
  | 'no-store'
  /** The route names a lifetime that is none. */
  | 'ttl'
  /** The protocol failed to judge it. */
  | 'protocol';

/** 201 is what Nest sends for a POST without `@HttpCode()`. */
export const isStorableStatus = (status: number): boolean => status === 200 || status === 201;

/**
 * Whether the value survives JSON unchanged. Class instances do not: an outer
 * `ClassSerializerInterceptor` hides their `@Exclude()`d members only while they are instances.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (depth >= MAX_JSON_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth + 1));
  if (!isJsonObject(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  // JSON drops undefined members, on the way to the client as well.
  return Object.values(value).every((item) => item === undefined || isPlainJson(item, depth + 1));
}
