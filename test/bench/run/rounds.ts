import type { Plan } from '../plan/plan.js';
import type { ProbeName } from '../plan/probes.js';
import { PROBE_MEASUREMENTS } from '../probes/probe-measurements.js';
import type { Bench } from './bench.js';
import { interleave, type Step } from './interleave.js';
import { measureRow, type Measurement } from './measure-row.js';

/** What was measured in one round. */
export interface RoundResult {
  readonly rows: ReadonlyMap<string, Measurement>;
  readonly probes: ReadonlyMap<ProbeName, number>;
}

export interface Results {
  readonly rounds: readonly RoundResult[];
  /** Why rows and probes have failed; they are not measured again. */
  readonly failures: ReadonlyMap<string, string>;
}

export async function runRounds(
  bench: Bench,
  { rows, probes }: Plan,
  count: number,
  progress: (line: string) => void,
): Promise<Results> {
  const rounds = Array.from({ length: count }, () => ({
    rows: new Map<string, Measurement>(),
    probes: new Map<ProbeName, number>(),
  }));
  const steps: Step[] = [
    ...rows.map((row) => ({
      name: row.name,
      measure: async (round: number) => {
        const measurement = await measureRow(bench, row);
        rounds[round]?.rows.set(row.name, measurement);
        return told(measurement);
      },
    })),
    ...probes.map(({ name, unit }) => ({
      name,
      measure: async (round: number) => {
        const value = await PROBE_MEASUREMENTS[name](bench);
        rounds[round]?.probes.set(name, value);
        return `${value.toFixed(2)} ${unit}`;
      },
    })),
  ];
  const failures = await interleave(bench, steps, count, progress);
  return { rounds, failures };
}

const told = ({ cpuUs, requestsPerSecond }: Measurement): string =>
  `${cpuUs.toFixed(1)} µs CPU, ${Math.round(requestsPerSecond)} requests/s`;
