import { notes } from '../../report/notes.js';
import { toMarkdown } from '../../report/table.js';
import type { CurveReport, CurvesReport } from './curves-report.interface.js';
import { bytes, short } from './numbers.js';

/** Picture of a curve, for a Markdown text. */
export type PictureOf = (curve: CurveReport) => string;

/** The report for people, in Markdown. */
export function printCurves(report: CurvesReport, picture?: PictureOf): string {
  return [
    ...report.curves.flatMap((curve) => [
      `### ${curve.title}`,
      ...(picture === undefined ? [] : [picture(curve)]),
      table(curve),
      curve.notes,
    ]),
    '### How it was measured',
    ...notes(report, report.failed),
  ].join('\n\n');
}

/** Lines of one series stand together. */
function table({ x, quantities, points }: CurveReport): string {
  const [first] = quantities;
  const hasSeries = new Set(points.map(({ series }) => series)).size > 1;
  return toMarkdown({
    head: [
      x.label,
      ...(hasSeries ? [''] : []),
      ...quantities.map(({ label }) => label),
      ...(first === undefined ? [] : ['spread']),
    ],
    lines: points.map(({ series, x: place, values }) => [
      x.isInBytes === true ? bytes(place) : place.toLocaleString('en'),
      ...(hasSeries ? [series] : []),
      ...quantities.map(({ name }) => {
        const summary = values[name];
        return summary === undefined ? '' : short(summary.median);
      }),
      ...(first === undefined ? [] : [spreadOf(values[first.name])]),
    ]),
  });
}

const spreadOf = (summary: CurveReport['points'][number]['values'][string] | undefined): string =>
  summary === undefined || summary.median === 0
    ? ''
    : `${Math.round(((summary.most - summary.least) / Math.abs(summary.median)) * 100)} %`;
