import { CLIENT_ROWS } from './client-rows.js';
import { GET_ROWS, ROTATION_ROW } from './get-rows.js';
import { GOALS, type Goal } from './goals.js';
import { POST_ROWS } from './post-rows.js';
import { PROBES } from './probes.js';
import type { Row } from './row.interface.js';
import { STREAM_ROWS } from './stream-rows.js';

export interface Plan {
  readonly rows: readonly Row[];
  readonly probes: readonly (typeof PROBES)[number][];
  readonly goals: readonly Goal[];
}

const EVERYTHING: Plan = {
  rows: [...GET_ROWS, ROTATION_ROW, ...POST_ROWS, ...STREAM_ROWS, ...CLIENT_ROWS],
  probes: PROBES,
  goals: GOALS,
};

/** What `--only` may name. */
export const NAMES: readonly string[] = [
  ...new Set(
    [...EVERYTHING.rows, ...EVERYTHING.probes, ...EVERYTHING.goals].map(({ name }) => name),
  ),
];

/**
 * The named rows, probes and goals, with what the goals are computed from; everything without names.
 *
 * @param only each one of `NAMES`
 */
export function planFor(only: readonly string[]): Plan {
  if (only.length === 0) return EVERYTHING;
  const { rows, probes, goals } = EVERYTHING;
  const named = ({ name }: { readonly name: string }): boolean => only.includes(name);
  const isRow = new Set(rows.map(({ name }) => name));
  // A goal and its row may have one name: all of the goal is wanted then.
  const wanted = goals.filter(named);
  const needed = new Set<string>([
    ...only.filter((name) => isRow.has(name)),
    ...wanted.flatMap((goal) => [...goal.rows, ...goal.probes]),
    ...probes.filter(named).map(({ name }) => name),
  ]);
  return {
    rows: rows.filter(({ name }) => needed.has(name)),
    probes: probes.filter(({ name }) => needed.has(name)),
    goals: wanted,
  };
}
