import type { Goal, Round } from '../plan/goals.js';
import { median, spread } from '../run/medians.js';
import type { RoundResult } from '../run/rounds.js';
import type { GoalReport, Verdict } from './report.interface.js';

/** The median of the formula over the rounds: each round is compared with itself. */
export function judgeGoal(goal: Goal, rounds: readonly RoundResult[]): GoalReport {
  const { name, meaning, unit, better, threshold, aim = null, formula } = goal;
  const values = rounds
    .filter((round) => isComplete(goal, round))
    .map((round) => formula(askable(round)));
  const value = median(values);
  return {
    name,
    meaning,
    unit,
    better,
    threshold,
    aim,
    value: value ?? null,
    spreadPercent: spread(values) * 100,
    verdict: verdictOf(goal, value),
  };
}

export function verdictOf(
  { better, threshold }: Pick<Goal, 'better' | 'threshold'>,
  value: number | undefined,
): Verdict {
  if (value === undefined) return 'not measured';
  const isReached = better === 'more' ? value >= threshold : value <= threshold;
  return isReached ? 'reached' : 'missed';
}

const isComplete = ({ rows, probes }: Pick<Goal, 'rows' | 'probes'>, round: RoundResult): boolean =>
  rows.every((row) => round.rows.has(row)) && probes.every((probe) => round.probes.has(probe));

const askable = (round: RoundResult): Round => ({
  cpuUs: (row) => known(round.rows.get(row)?.cpuUs, row),
  probe: (name) => known(round.probes.get(name), name),
});

function known(value: number | undefined, name: string): number {
  if (value === undefined) throw new Error(`The goal does not name ${name}, which it asks for.`);
  return value;
}
