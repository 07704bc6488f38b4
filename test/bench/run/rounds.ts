import type { Plan } from '../plan/plan.js';
import type { ProbeName } from '../plan/probes.js';
import { PROBE_MEASUREMENTS } from '../probes/probe-measurements.js';
import type { Bench } from './bench.js';
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

/** Every row once in each round, so that a slow minute of the machine slows all of them. */
export async function runRounds(
  bench: Bench,
  { rows, probes }: Plan,
  count: number,
  progress: (line: string) => void,
): Promise<Results> {
  const failures = new Map<string, string>();
  const rounds: RoundResult[] = [];
  const attempt = async (name: string, measure: () => Promise<string>): Promise<void> => {
    if (failures.has(name) || bench.stopped.aborted) return;
    const place = `round ${rounds.length + 1} of ${count}: ${name}`;
    try {
      progress(`${place}: ${await inTime(bench, measure())}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.set(name, reason);
      progress(`${place} failed: ${reason}`);
    }
  };
  while (rounds.length < count && !bench.stopped.aborted) {
    const measured = new Map<string, Measurement>();
    const probed = new Map<ProbeName, number>();
    for (const row of rows) {
      await attempt(row.name, async () => {
        const measurement = await measureRow(bench, row);
        measured.set(row.name, measurement);
        const { cpuUs, requestsPerSecond } = measurement;
        return `${cpuUs.toFixed(1)} µs CPU, ${Math.round(requestsPerSecond)} requests/s`;
      });
    }
    for (const { name, unit } of probes) {
      await attempt(name, async () => {
        const value = await PROBE_MEASUREMENTS[name](bench);
        probed.set(name, value);
        return `${value.toFixed(2)} ${unit}`;
      });
    }
    rounds.push({ rows: measured, probes: probed });
  }
  return { rounds, failures };
}

/** Of one row in one round, or one probe: far more than it takes. */
const LIMIT_MS = 120_000;

async function inTime(bench: Bench, measuring: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      void bench.endServers();
      reject(new Error(`It took more than ${LIMIT_MS / 1_000} s.`));
    }, LIMIT_MS);
  });
  try {
    return await Promise.race([measuring, late]);
  } finally {
    clearTimeout(timer);
  }
}
