import { madeWith } from '../../report/made-with.js';
import { END, TITLE } from '../../report/results-file.js';
import type { CurvesReport } from './curves-report.interface.js';
import { fileNameOf } from './picture.js';
import { printCurves } from './print-curves.js';

export const BEGIN_CURVES = '<!-- begin of what `npm run bench -- --curves --write` writes -->';
export const END_CURVES = '<!-- end of what `npm run bench -- --curves --write` writes -->';

/**
 * Stands behind the tables; what is before and behind it stays.
 *
 * @param before the text of RESULTS.md as it is
 */
export function withCurves(report: CurvesReport, before: string): string {
  const text = before.includes(END) ? before : `${TITLE}\n\n${END}\n`;
  const [tables = '', behind = ''] = text.split(END);
  const rest = behind.includes(END_CURVES) ? behind.split(END_CURVES)[1] : behind;
  return `${tables}${END}\n\n${section(report)}${rest}`;
}

const section = (report: CurvesReport): string => `${BEGIN_CURVES}

## Curves

${madeWith(report)}

To reproduce: \`npm ci && npm run bench -- --curves --write\`, on the same kind of machine.

${printCurves(report, (curve) => `![${curve.title}](curves/${fileNameOf(curve)})`)}

${END_CURVES}`;
