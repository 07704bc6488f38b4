import { describe, expect, it } from 'vitest';
import { median, spread } from '../../bench/run/medians.js';

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[10, 9, 100], 10],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('of nothing is unknown', () => {
    expect(median([])).toBeUndefined();
  });

  it('leaves the values in their order', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('spread', () => {
  it('is the distance from the least to the most, as a part of the median', () => {
    expect(spread([90, 100, 120])).toBeCloseTo(0.3);
  });

  it('is positive for differences below zero', () => {
    expect(spread([-2, -1, -4])).toBeCloseTo(1.5);
  });

  it.each([[[]], [[5]], [[0, 0]]])('of %j is 0', (values) => {
    expect(spread(values)).toBe(0);
  });
});
