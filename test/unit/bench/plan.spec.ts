import { describe, expect, it } from 'vitest';
import { GOALS } from '../../bench/plan/goals.js';
import { NEAR_CACHE } from '../../bench/plan/near-cache.js';
import { NAMES, planFor } from '../../bench/plan/plan.js';

const namesOf = (parts: readonly { readonly name: string }[]): string[] =>
  parts.map(({ name }) => name);

describe('the plan of the bench', () => {
  const everything = planFor([]);

  it('names every row and probe once', () => {
    const names = namesOf([...everything.rows, ...everything.probes]);
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBe(names.length);
    expect(NAMES).toEqual(expect.arrayContaining(names));
  });

  it('compares every row with one that is measured', () => {
    const rows = namesOf(everything.rows);
    expect(everything.rows.filter(({ reference }) => !rows.includes(reference))).toEqual([]);
  });

  it('measures what its goals need, but for the near cache while there is none', () => {
    const measured = namesOf([...everything.rows, ...everything.probes]);
    const unmeasured = GOALS.filter(({ rows, probes }) =>
      [...rows, ...probes].some((name) => !measured.includes(name)),
    );
    const nearGoals = ['nearHitFastify', 'nearHitExpress'];
    expect(namesOf(unmeasured)).toEqual(NEAR_CACHE === undefined ? nearGoals : []);
  });

  it('brings what a named goal is computed from, and nothing else', () => {
    const { rows, probes, goals } = planFor(['stockSpeedupFastify', 'importMs']);
    expect(namesOf(rows)).toEqual(['stockRedisFastify', 'redisHitFastify']);
    expect(namesOf(probes)).toEqual(['importTime']);
    expect(namesOf(goals)).toEqual(['stockSpeedupFastify', 'importMs']);
  });

  it('brings no goal for a row', () => {
    expect(namesOf(planFor(['bareMap']).rows)).toEqual(['bareMap']);
    expect(planFor(['bareMap']).goals).toEqual([]);
  });
});
