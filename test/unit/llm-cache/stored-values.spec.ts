import { Readable } from 'node:stream';
import { createCache } from 'cache-manager';
import { describe, expect, it } from 'vitest';
import { StoredValues } from '../../../lib/llm-cache/stored-values.js';

function stored() {
  const manager = createCache();
  let failures = 0;
  const values = new StoredValues(manager, () => {
    failures += 1;
  });
  return { manager, values, failures: () => failures };
}

describe('what the stock interceptor stores', () => {
  it('is in the cache manager, for as long as it says', async () => {
    const { manager, values } = stored();
    await values.set('key', { a: 1 }, 60_000);
    expect(await values.get('key')).toEqual({ a: 1 });
    expect(await manager.get('key')).toEqual({ a: 1 });
    expect(await manager.ttl('key')).toBeGreaterThan(Date.now() + 50_000);
    await values.set('lasting', 1, undefined);
    expect(await manager.ttl('lasting')).toBeUndefined();
  });

  it.each([
    ['a stream', () => Readable.from(['a'])],
    ['a stream inside an object', () => ({ data: Readable.from(['a']) })],
    ['undefined', () => undefined],
    ['null', () => null],
  ])('is never %s', async (_what, make) => {
    const { manager, values } = stored();
    await values.set('key', make(), undefined);
    expect(await manager.get('key')).toBeUndefined();
  });

  it('keeps a failed write, and what it was to write, to itself', async () => {
    const { manager, values, failures } = stored();
    Object.assign(manager, { set: () => Promise.reject(new Error('refused')) });
    await values.set('key', 'secret', undefined);
    expect(failures()).toBe(1);
  });
});
