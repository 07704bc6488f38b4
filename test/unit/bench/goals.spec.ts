import { describe, expect, it } from 'vitest';
import { GOALS, type Goal } from '../../bench/plan/goals.js';
import { judgeGoal, verdictOf } from '../../bench/report/judge-goal.js';
import type { RoundResult } from '../../bench/run/rounds.js';

const roundOf = (
  cpuUs: Record<string, number>,
  probes: RoundResult['probes'] = new Map(),
): RoundResult => ({
  rows: new Map(
    Object.entries(cpuUs).map(([name, value]) => [
      name,
      { cpuUs: value, requestsPerSecond: 1, p50Us: 1, p99Us: 1, disturbance: undefined },
    ]),
  ),
  probes,
});

function goalNamed(name: string): Goal {
  const goal = GOALS.find((candidate) => candidate.name === name);
  if (goal === undefined) throw new Error(`There is no goal ${name}.`);
  return goal;
}

describe('a goal', () => {
  const goal = goalNamed('redisHitFastify');

  it('is what a core serves of one row for one request of the other', () => {
    const rounds = [roundOf({ bareRedis: 16, redisHitFastify: 20 })];
    expect(judgeGoal(goal, rounds)).toMatchObject({ value: 0.8, verdict: 'reached', aim: 0.8 });
  });

  it('compares each round with itself, and takes the median', () => {
    const rounds = [
      roundOf({ bareRedis: 10, redisHitFastify: 20 }),
      // A slow minute slows both.
      roundOf({ bareRedis: 100, redisHitFastify: 200 }),
      roundOf({ bareRedis: 10, redisHitFastify: 40 }),
    ];
    expect(judgeGoal(goal, rounds)).toMatchObject({
      value: 0.5,
      spreadPercent: 50,
      verdict: 'missed',
    });
  });

  it('leaves out rounds in which a row has failed', () => {
    const rounds = [roundOf({ bareRedis: 1 }), roundOf({ bareRedis: 9, redisHitFastify: 10 })];
    expect(judgeGoal(goal, rounds).value).toBe(0.9);
  });

  it('is not measured when a row never was', () => {
    const judged = judgeGoal(goal, [roundOf({ bareRedis: 1 })]);
    expect(judged).toMatchObject({ value: null, verdict: 'not measured' });
  });

  it('may be a difference', () => {
    const rounds = [roundOf({ uniqueMiss: 240, uniqueUncached: 100 })];
    expect(judgeGoal(goalNamed('missOverhead'), rounds)).toMatchObject({
      value: 140,
      verdict: 'reached',
    });
  });

  it('may be a single number', () => {
    const rounds = [roundOf({}, new Map([['importTime', 41]]))];
    expect(judgeGoal(goalNamed('importMs'), rounds)).toMatchObject({
      value: 41,
      verdict: 'missed',
    });
  });

  it.each([
    ['more', 0.7, 'reached'],
    ['more', 0.69, 'missed'],
    ['less', 0.7, 'reached'],
    ['less', 0.71, 'missed'],
  ] as const)('that is better with %s: %d of 0.7 is %s', (better, value, expected) => {
    expect(verdictOf({ better, threshold: 0.7 }, value)).toBe(expected);
  });

  it.each(GOALS)('names everything that the formula of $name asks for', (asking) => {
    const asked: string[] = [];
    asking.formula({
      cpuUs: (row) => asked.push(row),
      probe: (probe) => asked.push(probe),
    });
    expect(asked.toSorted()).toEqual([...asking.rows, ...asking.probes].toSorted());
  });
});
