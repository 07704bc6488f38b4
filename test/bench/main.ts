import { resolve } from 'node:path';
import { NAMES, planFor } from './plan/plan.js';
import { readArguments, UsageError, type Arguments } from './arguments.js';
import { buildReport } from './report/build-report.js';
import { print } from './report/print.js';
import { writeResults } from './report/results-file.js';
import { Bench } from './run/bench.js';
import { runRounds } from './run/rounds.js';

/** Beside the sources, not beside what is made of them. */
const RESULTS = resolve('test/bench/RESULTS.md');
const WARM_UP_SECONDS = 2;
const STOPPED = 130;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** @returns the exit code */
async function main(args: Arguments): Promise<number> {
  const plan = planFor(args.only);
  const { rounds, seconds, quick } = args;
  const bench = await Bench.start({ seconds, warmUpSeconds: quick ? 0 : WARM_UP_SECONDS });
  const stop = (): void => void bench.stop();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const results = await runRounds(bench, plan, rounds, progress);
    if (bench.stopped.aborted) return STOPPED;
    const report = await buildReport(bench, plan, results, args);
    process.stdout.write(`${args.json ? JSON.stringify(report) : print(report)}\n`);
    if (args.write) await writeResults(RESULTS, report);
    return results.failures.size === 0 ? 0 : 1;
  } finally {
    await bench.stop();
  }
}

try {
  process.exitCode = await main(readArguments(process.argv.slice(2), NAMES));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  progress(error.message);
  process.exitCode = 2;
}
