import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Arguments } from '../arguments.js';
import { rewrite } from '../report/results-file.js';
import type { Bench } from '../run/bench.js';
import type { Outcome } from '../run/outcome.interface.js';
import { curvesFor } from './plan/curves.js';
import { buildCurvesReport } from './report/build-curves-report.js';
import { withCurves } from './report/curves-section.js';
import { drawCurve, fileNameOf } from './report/picture.js';
import { printCurves } from './report/print-curves.js';
import { runCurves } from './run-curves.js';

/** The cost curves. */
export async function benchCurves(
  bench: Bench,
  args: Arguments,
  progress: (line: string) => void,
): Promise<Outcome | undefined> {
  const curves = curvesFor(args.only, args.quick);
  const results = await runCurves(bench, curves, args.rounds, progress);
  if (bench.stopped.aborted) return undefined;
  const report = await buildCurvesReport(bench, curves, results, args);
  return {
    isComplete: results.failures.size === 0,
    report,
    text: () => printCurves(report),
    write: async (file) => {
      const folder = join(dirname(file), 'curves');
      await mkdir(folder, { recursive: true });
      for (const curve of report.curves) {
        await writeFile(join(folder, fileNameOf(curve)), drawCurve(curve));
      }
      await rewrite(file, (before) => withCurves(report, before));
    },
  };
}
