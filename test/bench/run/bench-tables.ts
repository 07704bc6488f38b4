import type { Arguments } from '../arguments.js';
import { planFor } from '../plan/plan.js';
import { buildReport } from '../report/build-report.js';
import { print } from '../report/print.js';
import { resultsText, rewrite } from '../report/results-file.js';
import type { Bench } from './bench.js';
import type { Outcome } from './outcome.interface.js';
import { runRounds } from './rounds.js';

/** Rows, probes and goals. */
export async function benchTables(
  bench: Bench,
  args: Arguments,
  progress: (line: string) => void,
): Promise<Outcome | undefined> {
  const plan = planFor(args.only);
  const results = await runRounds(bench, plan, args.rounds, progress);
  if (bench.stopped.aborted) return undefined;
  const report = await buildReport(bench, plan, results, args);
  return {
    isComplete: results.failures.size === 0,
    report,
    text: () => print(report),
    write: (file) => rewrite(file, (before) => resultsText(report, before)),
  };
}
