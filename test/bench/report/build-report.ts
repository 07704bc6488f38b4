import type { Arguments } from '../arguments.js';
import type { Plan } from '../plan/plan.js';
import { median, spread } from '../run/medians.js';
import type { Bench } from '../run/bench.js';
import type { Results } from '../run/rounds.js';
import { judgeGoal } from './judge-goal.js';
import type { BenchReport, FailedReport, ProbeReport } from './report.interface.js';
import { noiseOfRow, reportRow } from './row-report.js';
import { surroundings } from './surroundings.js';

const RULE =
  'Ratios compare the CPU time of the server per request, round by round: it is what a core ' +
  'costs, and does not depend on whether the load generator could saturate the server. ' +
  'Requests per second are shown beside it.';

export async function buildReport(
  bench: Bench,
  plan: Plan,
  results: Results,
  pace: Pick<Arguments, 'rounds' | 'seconds'>,
): Promise<BenchReport> {
  const goals = plan.goals.map((goal) => judgeGoal(goal, results.rounds));
  return {
    ...(await surroundings(bench, pace)),
    rule: RULE,
    rows: plan.rows.map((row) => reportRow(row, results)),
    probes: plan.probes.map((probe) => reportProbe(probe, results)),
    ratios: Object.fromEntries(
      goals.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])),
    ),
    goals,
    noise: plan.rows.flatMap((row) => noiseOfRow(row, results)),
  };
}

function reportProbe(
  probe: Plan['probes'][number],
  { rounds, failures }: Results,
): ProbeReport | FailedReport {
  const { name } = probe;
  const values = rounds.flatMap(({ probes }) => probes.get(name) ?? []);
  const error = failures.get(name);
  if (error !== undefined) return { name, error };
  return { ...probe, value: median(values) ?? 0, spreadPercent: spread(values) * 100 };
}
