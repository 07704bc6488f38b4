import { Readable } from 'node:stream';
import { createCache } from 'cache-manager';
import { describe, expect, it } from 'vitest';
import { guardStockCacheManager } from '../../../lib/llm-cache/stock-cache-manager.js';

function guarded() {
  const manager = createCache();
  let failures = 0;
  const cache = guardStockCacheManager(manager, () => {
    failures += 1;
  });
  return { manager, cache, failures: () => failures };
}

describe('the cache manager of the stock interceptor', () => {
  it('stores, finds and forgets as ever', async () => {
    const { cache } = guarded();
    await cache.set('key', { a: 1 }, 60_000);
    expect(await cache.get('key')).toEqual({ a: 1 });
    expect(await cache.ttl('key')).toBeTypeOf('number');
    expect(await cache.wrap('other', () => 'computed')).toBe('computed');
    await cache.del('key');
    expect(await cache.get('key')).toBeUndefined();
  });

  it.each([
    ['a stream', () => Readable.from(['a'])],
    ['a stream inside an object', () => ({ data: Readable.from(['a']) })],
    ['undefined', () => undefined],
    ['null', () => null],
  ])('does not store %s', async (_what, make) => {
    const { cache, manager } = guarded();
    const value = make();
    expect(await cache.set('key', value)).toBe(value);
    expect(await manager.get('key')).toBeUndefined();
  });

  it('keeps a failed write, and what it was to write, to itself', async () => {
    const { cache, manager, failures } = guarded();
    Object.assign(manager, { set: () => Promise.reject(new Error('refused')) });
    expect(await cache.set('key', 'secret')).toBe('secret');
    expect(failures()).toBe(1);
  });
});
