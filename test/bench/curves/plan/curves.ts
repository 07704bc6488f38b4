import { CONNECTIONS_CURVE } from './connections.js';
import type { Curve } from './curve.interface.js';
import { ENTRIES } from './entries.js';
import { ENTRY_SIZE } from './entry-size.js';
import { FAN_OUT } from './fan-out.js';
import { NODES } from './nodes.js';
import { PROCESSES } from './processes.js';
import { PROMPT_SIZE } from './prompt-size.js';

const ALL: readonly Curve[] = [
  ENTRY_SIZE,
  PROMPT_SIZE,
  CONNECTIONS_CURVE,
  ENTRIES,
  NODES,
  PROCESSES,
  FAN_OUT,
];

/** What `--only` may name with `--curves`. */
export const CURVE_NAMES: readonly string[] = ALL.map(({ name }) => name);

/**
 * The named curves, all without names.
 *
 * @param isQuick only the beginning of each line
 */
export function curvesFor(only: readonly string[], isQuick: boolean): readonly Curve[] {
  const named = only.length === 0 ? ALL : ALL.filter(({ name }) => only.includes(name));
  return isQuick ? named.map(beginningOf) : named;
}

const QUICK_POINTS = 2;

function beginningOf(curve: Curve): Curve {
  const taken = new Map<string, number>();
  const points = curve.points.filter(({ series }) => {
    const before = taken.get(series) ?? 0;
    taken.set(series, before + 1);
    return before < QUICK_POINTS;
  });
  return { ...curve, points };
}
