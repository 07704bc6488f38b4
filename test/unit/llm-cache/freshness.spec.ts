import { BadRequestException, HttpException } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import {
  freshnessOf,
  isErrorStatus,
  isServerError,
  keptMs,
  NOT_STALE,
  type Staleness,
} from '../../../lib/llm-cache/policy/freshness.js';
import { newOrigin } from '../../../lib/llm-cache/recording/answer.js';
import type { Entry } from '../../../lib/llm-cache/recording/entry.js';

const NOW = 1_700_000_000_000;
const TTL_MS = 10_000;

const BOTH: Staleness = { staleWhileRevalidateMs: 1_000, staleIfErrorMs: 5_000 };

/** As old as that at `NOW`. */
function entry(ageMs: number, tookMs = 0): Entry {
  const head = { kind: 'value', status: 200, headers: {}, origin: newOrigin('base:0') } as const;
  return { storedAtMs: NOW - ageMs, ttlMs: TTL_MS, tookMs, usage: {}, head, frames: [] };
}

const never = (): number => 0;

/** As the package `http-errors` makes it. */
const httpError = (status: number): Error =>
  Object.assign(new Error('oh no'), { expose: true, status, statusCode: status });

class FastifyError extends Error {
  readonly code = 'FST_ERR_OF_THE_REQUEST';
  readonly statusCode = 413;
}

/** Numbers from 0 to 1 that look like chance, and are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('freshnessOf', () => {
  it.each([
    [0, BOTH, 'fresh'],
    [TTL_MS - 1, BOTH, 'fresh'],
    [TTL_MS + 1, BOTH, 'stale'],
    [TTL_MS + 1_000, BOTH, 'stale'],
    [TTL_MS + 1_001, BOTH, 'fallback'],
    [TTL_MS + 5_000, BOTH, 'fallback'],
    [TTL_MS + 5_001, BOTH, undefined],
    [TTL_MS, NOT_STALE, 'fresh'],
    [TTL_MS + 1, NOT_STALE, undefined],
    [TTL_MS + 1, { ...NOT_STALE, staleIfErrorMs: 1 }, 'fallback'],
    [TTL_MS + 2, { ...NOT_STALE, staleWhileRevalidateMs: 1 }, undefined],
    [TTL_MS + 1, { ...NOT_STALE, staleWhileRevalidateMs: 1 }, 'stale'],
    // Whoever may get it in the meantime need not wait for an error.
    [TTL_MS + 1, { staleWhileRevalidateMs: 1_000, staleIfErrorMs: 100 }, 'stale'],
    [TTL_MS + 1_001, { staleWhileRevalidateMs: 1_000, staleIfErrorMs: 100 }, undefined],
    // The clock of the writer is ahead.
    [-3_000, NOT_STALE, 'fresh'],
    [-3_000, BOTH, 'fresh'],
  ])('after %i ms with %o: %s', (ageMs, staleness, expected) => {
    expect(freshnessOf(entry(ageMs), staleness, NOW, never)).toBe(expected);
  });
});

describe('the early request for a new answer', () => {
  /** How many of 2,000 callers would ask, with an even spread of chances. */
  function askers(leftMs: number, tookMs: number, staleness = BOTH): number {
    const callers = 2_000;
    let asking = 0;
    for (let caller = 0; caller < callers; caller += 1) {
      const chance = (): number => (caller + 0.5) / callers;
      const freshness = freshnessOf(entry(TTL_MS - leftMs, tookMs), staleness, NOW, chance);
      if (freshness === 'ageing') asking += 1;
    }
    return asking / callers;
  }

  it.each([100, 1_000, 4_000])('is as likely as e^(-left / took), took %i ms', (tookMs) => {
    for (const leftMs of [1, 50, 500, 2_000, 9_000]) {
      expect(askers(leftMs, tookMs)).toBeCloseTo(Math.exp(-leftMs / tookMs), 2);
    }
  });

  it('is likelier towards the end, and for what takes longer', () => {
    const towardsTheEnd = [5_000, 2_000, 500, 50].map((leftMs) => askers(leftMs, 1_000));
    expect(towardsTheEnd).toEqual(towardsTheEnd.toSorted((a, b) => a - b));
    expect(new Set(towardsTheEnd).size).toBe(towardsTheEnd.length);
    expect(askers(1_000, 4_000)).toBeGreaterThan(askers(1_000, 400));
  });

  it('grows with the time that is gone and that a call takes, by chance', () => {
    const random = seeded(7);
    const share = (leftMs: number, tookMs: number): number => {
      const results = Array.from({ length: 5_000 }, () =>
        freshnessOf(entry(TTL_MS - leftMs, tookMs), BOTH, NOW, random),
      );
      expect(new Set(results).size).toBeLessThanOrEqual(2);
      return results.filter((freshness) => freshness === 'ageing').length / results.length;
    };
    for (const tookMs of [500, 2_000]) {
      for (const leftMs of [3_000, 1_000, 100]) {
        expect(share(leftMs, tookMs)).toBeCloseTo(Math.exp(-leftMs / tookMs), 1);
      }
    }
    expect(share(9_999, 10)).toBe(0);
  });

  it('is certain at the very end, and never behind it', () => {
    expect(askers(0, 1_000)).toBe(1);
    expect(askers(-1, 60_000)).toBe(0);
  });

  it('is none for what took no time, nor without staleWhileRevalidateMs', () => {
    expect(askers(1, 0)).toBe(0);
    for (const leftMs of [9_000, 1, 0]) {
      expect(askers(leftMs, 60_000, { ...BOTH, staleWhileRevalidateMs: 0 })).toBe(0);
    }
  });
});

describe('what is kept, and given for an error', () => {
  it.each([
    [NOT_STALE, TTL_MS],
    [BOTH, TTL_MS + 5_000],
    [{ staleWhileRevalidateMs: 7_000, staleIfErrorMs: 5_000 }, TTL_MS + 7_000],
  ])('keeps an entry with %o for %i ms', (staleness, expected) => {
    expect(keptMs(TTL_MS, staleness)).toBe(expected);
  });

  it.each([
    [500, true],
    [501, false],
    [502, true],
    [503, true],
    [504, true],
    [505, false],
    [400, false],
    [404, false],
    [429, false],
    [200, false],
  ])('status %i: %s', (status, expected) => {
    expect(isErrorStatus(status)).toBe(expected);
    expect(isServerError(new HttpException('oh no', status))).toBe(expected);
  });

  it.each([
    ['a network error', new TypeError('fetch failed'), true],
    ['a text that was thrown', 'oh no', true],
    ['nothing that was thrown', undefined, true],
    ['an exception of a bad request', new BadRequestException(), false],
    // Nest answers them with the status that they tell.
    ['a 503 of http-errors', httpError(503), true],
    ['a 404 of http-errors', httpError(404), false],
    ['a 413 of Fastify', new FastifyError(), false],
  ])('%s: %s', (_what, error, expected) => {
    expect(isServerError(error)).toBe(expected);
  });
});
