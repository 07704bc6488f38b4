import { hasMethod } from '../json-object.js';
import type { Entry } from '../recording/entry.js';

/** How long an entry may be given behind its lifetime (RFC 5861), in milliseconds. */
export interface Staleness {
  /** While a new answer is asked for in the background. */
  readonly staleWhileRevalidateMs: number;
  /** When no new answer is to be had. */
  readonly staleIfErrorMs: number;
}

export const NOT_STALE: Staleness = { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };

/**
 * `fresh`: within its lifetime. `ageing`: fresh, but it is time to ask for a new answer. `stale`:
 * to be given, while a new answer is asked for. `fallback`: to be given if the call fails.
 */
export type Freshness = 'fresh' | 'ageing' | 'stale' | 'fallback';

/** An entry that may be given to a request. */
export interface FoundEntry {
  readonly entry: Entry;
  readonly freshness: Freshness;
}

/** @returns `undefined` for what must not be given any more */
export function freshnessOf(
  { storedAtMs, ttlMs, tookMs }: Entry,
  { staleWhileRevalidateMs, staleIfErrorMs }: Staleness,
  now: number = Date.now(),
  random: () => number = Math.random,
): Freshness | undefined {
  const overdueMs = now - storedAtMs - ttlMs;
  if (overdueMs <= 0) {
    const isEarly = staleWhileRevalidateMs > 0 && isDueEarly(-overdueMs, tookMs, random());
    return isEarly ? 'ageing' : 'fresh';
  }
  if (overdueMs <= staleWhileRevalidateMs) return 'stale';
  return overdueMs <= staleIfErrorMs ? 'fallback' : undefined;
}

/**
 * The longer an answer takes, the earlier one of its callers asks for the next one, each with a
 * chance that grows towards the end: popular entries never run out, and rare ones are not asked
 * for in vain.
 *
 * @see Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention (2015)
 */
function isDueEarly(leftMs: number, tookMs: number, random: number): boolean {
  return -tookMs * Math.log(1 - random) >= leftMs;
}

/** How long an entry is kept in Redis. */
export const keptMs = (ttlMs: number, staleness: Staleness): number =>
  ttlMs + Math.max(staleness.staleWhileRevalidateMs, staleness.staleIfErrorMs);

/** RFC 5861 section 4. */
const ERROR_STATUS: ReadonlySet<unknown> = new Set([500, 502, 503, 504]);

export const isErrorStatus = (status: number): boolean => ERROR_STATUS.has(status);

/** Whether a stale answer is better than this error: not when the request is at fault. */
export function isServerError(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || ERROR_STATUS.has(status);
}

/** With which Nest answers: its own exceptions, and those of http-errors and Fastify. */
function statusOf(error: unknown): unknown {
  if (hasStatus(error)) return error.getStatus();
  return error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
}

const hasStatus = (error: unknown): error is { getStatus(): unknown } =>
  hasMethod(error, 'getStatus');
