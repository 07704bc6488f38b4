import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentMap } from '../../../../lib/llm-cache/sealing/recent-map.js';

const KEYS = ['a', 'b', 'c', 'd', 'e'];

describe('a map of bounded size', () => {
  it('keeps what was used last', () => {
    const map = new RecentMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect(map.get('a')).toBe(1);
    map.set('c', 3);
    expect(KEYS.map((key) => map.get(key))).toEqual([1, undefined, 3, undefined, undefined]);
  });

  it('keeps the last of several values of one key, in the place of one', () => {
    const map = new RecentMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('b', 3);
    expect([map.get('a'), map.get('b')]).toEqual([1, 3]);
  });

  it('forgets what is deleted', () => {
    const map = new RecentMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.delete('a');
    map.set('c', 3);
    expect(KEYS.map((key) => map.get(key))).toEqual([undefined, 2, 3, undefined, undefined]);
  });

  it('never holds more than its capacity', () => {
    const capacities = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(capacities, fc.array(fc.constantFrom(...KEYS)), (capacity, keys) => {
        const map = new RecentMap<string>(capacity);
        for (const key of keys) map.set(key, key);
        const recent = new Set(keys.toReversed());
        const kept = [...recent].slice(0, capacity);
        expect(KEYS.filter((key) => map.get(key) !== undefined)).toEqual(kept.toSorted());
      }),
    );
  });
});
