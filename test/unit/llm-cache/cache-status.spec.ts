import { describe, expect, it } from 'vitest';
import { cacheStatusHeaders } from '../../../lib/llm-cache/policy/cache-status.js';
import { explicitTtl, withJitter } from '../../../lib/llm-cache/policy/entry-ttl.js';

describe('the response headers of the cache', () => {
  it('tell a hit, its age and its remaining lifetime in seconds', () => {
    expect(cacheStatusHeaders({ kind: 'hit', ageMs: 1_999, ttlMs: 60_000 })).toEqual({
      'Cache-Status': 'LlmCache; hit; ttl=58',
      'X-Cache': 'HIT',
      Age: '1',
    });
  });

  it.each([
    ['ahead', -5_000, 'LlmCache; hit; ttl=65'],
    ['behind', 90_000, 'LlmCache; hit; ttl=0'],
  ])('are never negative when the clock of the writer is %s', (_what, ageMs, status) => {
    const headers = cacheStatusHeaders({ kind: 'hit', ageMs, ttlMs: 60_000 });
    expect(headers['Cache-Status']).toBe(status);
    expect(Number(headers['Age'])).toBeGreaterThanOrEqual(0);
  });

  it.each([
    [undefined, 'LlmCache; fwd=miss'],
    ['stored', 'LlmCache; fwd=miss; stored'],
    ['too-large', 'LlmCache; fwd=miss; detail=too-large'],
  ])('tell a miss: %s', (result, status) => {
    const outcome = { kind: 'miss' as const, ...(result !== undefined && { result }) };
    expect(cacheStatusHeaders(outcome)).toEqual({ 'Cache-Status': status, 'X-Cache': 'MISS' });
  });

  it('tell a bypass, which is neither hit nor miss', () => {
    expect(cacheStatusHeaders({ kind: 'bypass', detail: 'stream' })).toEqual({
      'Cache-Status': 'LlmCache; fwd=bypass; detail=stream',
    });
  });
});

describe('the lifetime of an entry', () => {
  it.each([
    [0, 3_600_000],
    [0.5, 3_240_000],
    [1, 2_880_000],
  ])('is the default less up to 20 %%: random %d', (random, ttlMs) => {
    expect(withJitter(3_600_000, () => random)).toBe(ttlMs);
  });

  it('is at least a millisecond', () => {
    expect(withJitter(1, () => 0.9)).toBe(1);
    expect(explicitTtl(0.2)).toBe(1);
  });

  it('is what the route asks for', () => {
    expect(explicitTtl(5_000)).toBe(5_000);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, '60', null])('is never %s', (ttlMs) => {
    expect(() => explicitTtl(ttlMs)).toThrow(TypeError);
  });
});
