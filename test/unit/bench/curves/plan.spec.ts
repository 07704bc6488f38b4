import { describe, expect, it } from 'vitest';
import { CURVE_NAMES, curvesFor } from '../../../bench/curves/plan/curves.js';
import { pointName } from '../../../bench/curves/run-curves.js';

const placesOf = (name: string, series: string): number[] =>
  curvesFor([name], false).flatMap(({ points }) =>
    points.filter((point) => point.series === series).map(({ x }) => x),
  );

describe('the cost curves', () => {
  it('give each point a name of its own', () => {
    const names = curvesFor([], false).flatMap((curve) =>
      curve.points.map((point) => pointName(curve, point)),
    );
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([
    ['entrySize', 'hit in Redis', [1_024, 10_240, 102_400, 1_048_576]],
    ['entrySize', 'near hit', [1_024, 10_240, 102_400, 1_048_576]],
    ['promptSize', 'hit in Redis', [1_024, 10_240, 102_400, 1_048_576]],
    ['connections', 'hit in Redis', [1, 10, 100, 1_000]],
    ['nodes', 'hit in Redis', [1, 3]],
    ['processes', 'near hit', [1, 2]],
    ['fanOut', 'followers of one call', [1, 10, 100, 1_000]],
  ])('%s has the whole line of %s', (name, series, places) => {
    expect(placesOf(name, series)).toEqual(places);
  });

  it('draw two quantities at least, and judge noise by one of them', () => {
    for (const { quantities } of curvesFor([], false)) {
      expect(quantities[0]).toMatchObject({ isDrawn: true });
      expect(quantities.filter(({ isDrawn }) => isDrawn).length).toBeGreaterThan(1);
    }
  });

  it('are those that are named', () => {
    expect(curvesFor(['nodes', 'fanOut'], false).map(({ name }) => name)).toEqual([
      'nodes',
      'fanOut',
    ]);
    expect(curvesFor([], false).map(({ name }) => name)).toEqual(CURVE_NAMES);
  });

  it('have the beginning of each line with --quick', () => {
    const [connections] = curvesFor(['connections'], true);
    expect(connections?.points.map(({ series, x }) => `${series}: ${x}`)).toEqual([
      'hit in Redis: 1',
      'hit in Redis: 10',
      'near hit: 1',
      'near hit: 10',
    ]);
  });
});
