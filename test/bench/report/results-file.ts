import { readFile, writeFile } from 'node:fs/promises';
import { print } from './print.js';
import type { BenchReport } from './report.interface.js';

/** What stands behind it was written by hand, and stays. */
export const END = '<!-- end of what `npm run bench -- --write` writes -->';

/** Writes the measured part of RESULTS.md. */
export async function writeResults(file: string, report: BenchReport): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '');
  await writeFile(file, resultsText(report, before));
}

/** @param before the text of the file as it is */
export function resultsText(report: BenchReport, before: string): string {
  const { date, versions, machine } = report;
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const byHand = before.split(END)[1] ?? '\n';
  return `# Results of \`npm run bench\`

${date.slice(0, 10)}, ${machine}; ${used.join(', ')}.

To reproduce: \`npm ci && npm run bench -- --write\`, on a machine with two cores that does nothing
else, with redis-server, wrk and taskset.

${print(report)}

${END}${byHand}`;
}
