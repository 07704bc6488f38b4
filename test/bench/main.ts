import { resolve } from 'node:path';
import { readArguments, UsageError, type Arguments } from './arguments.js';
import { CURVE_NAMES } from './curves/plan/curves.js';
import { benchCurves } from './curves/bench-curves.js';
import { NAMES } from './plan/plan.js';
import { benchTables } from './run/bench-tables.js';
import { Bench } from './run/bench.js';

/** Beside the sources, not beside what is made of them. */
const RESULTS = resolve('test/bench/RESULTS.md');
const STOPPED = 130;

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** @returns the exit code */
async function main(args: Arguments): Promise<number> {
  const bench = await Bench.start(args);
  const stop = (): void => void bench.stop();
  process.once('SIGINT', stop).once('SIGTERM', stop);
  try {
    const measure = args.curves ? benchCurves : benchTables;
    const outcome = await measure(bench, args, progress);
    if (outcome === undefined) return STOPPED;
    process.stdout.write(`${args.json ? JSON.stringify(outcome.report) : outcome.text()}\n`);
    if (args.write) await outcome.write(RESULTS);
    return outcome.isComplete ? 0 : 1;
  } finally {
    await bench.stop();
  }
}

try {
  const names = { tables: NAMES, curves: CURVE_NAMES };
  process.exitCode = await main(readArguments(process.argv.slice(2), names));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  progress(error.message);
  process.exitCode = 2;
}
