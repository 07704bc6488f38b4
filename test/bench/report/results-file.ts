import { readFile, writeFile } from 'node:fs/promises';
import { madeWith } from './made-with.js';
import { print } from './print.js';
import type { BenchReport } from './report.interface.js';

export const TITLE = '# Results of `npm run bench`';

/** What stands behind it was not written by the tables, and stays: curves, and what is by hand. */
export const END = '<!-- end of what `npm run bench -- --write` writes -->';

/** Replaces a part of RESULTS.md. */
export async function rewrite(file: string, change: (before: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8').catch(() => '');
  await writeFile(file, change(before));
}

/** @param before the text of the file as it is */
export function resultsText(report: BenchReport, before: string): string {
  const behind = before.split(END)[1] ?? '\n';
  return `${TITLE}

${madeWith(report)}

To reproduce: \`npm ci && npm run bench -- --write\`, on a machine with two cores that does nothing
else, with redis-server, wrk and taskset.

${print(report)}

${END}${behind}`;
}
