import type { Arguments } from '../../arguments.js';
import { noiseOf } from '../../report/noise.js';
import { surroundings } from '../../report/surroundings.js';
import type { Bench } from '../../run/bench.js';
import { median } from '../../run/medians.js';
import type { Curve, CurvePoint, Quantity, Reading } from '../plan/curve.interface.js';
import { pointName, type CurveResults } from '../run-curves.js';
import type { CurveReport, CurvesReport, Summary } from './curves-report.interface.js';

const RULE =
  'Each number is the median of all rounds, and spread is from the least to the most of the first ' +
  'quantity; pictures show it as a vertical line. CPU is that of the server process, with the work ' +
  'that answers leave behind.';

export async function buildCurvesReport(
  bench: Bench,
  curves: readonly Curve[],
  results: CurveResults,
  pace: Pick<Arguments, 'rounds' | 'seconds'>,
): Promise<CurvesReport> {
  return {
    ...(await surroundings(bench, pace)),
    rule: RULE,
    curves: curves.map((curve) => reportCurve(curve, results)),
    failed: [...results.failures].map(([name, error]) => ({ name, error })),
    noise: curves.flatMap((curve) => noiseOfCurve(curve, results)),
  };
}

export function reportCurve(curve: Curve, results: CurveResults): CurveReport {
  const { name, title, notes, x, quantities, points } = curve;
  return {
    name,
    title,
    notes,
    x,
    quantities,
    points: points
      .filter((point) => !results.failures.has(pointName(curve, point)))
      .map((point) => ({
        series: point.series,
        x: point.x,
        values: summaries(quantities, readingsOf(curve, point, results)),
      })),
  };
}

function summaries(
  quantities: readonly Quantity[],
  readings: readonly Reading[],
): Readonly<Record<string, Summary>> {
  return Object.fromEntries(
    quantities.flatMap(({ name }) => {
      const values = valuesOf(name, readings);
      const middle = median(values);
      return middle === undefined
        ? []
        : [[name, { median: middle, least: Math.min(...values), most: Math.max(...values) }]];
    }),
  );
}

export function noiseOfCurve(curve: Curve, results: CurveResults): string[] {
  const [first] = curve.quantities;
  return curve.points.flatMap((point) => {
    const readings = readingsOf(curve, point, results);
    return noiseOf({
      name: pointName(curve, point),
      values: valuesOf(first?.name ?? '', readings),
      disturbances: readings.flatMap(({ disturbance }) => disturbance ?? []),
    });
  });
}

const valuesOf = (quantity: string, readings: readonly Reading[]): number[] =>
  readings.flatMap(({ values }) => values[quantity] ?? []);

const readingsOf = (
  curve: Curve,
  point: CurvePoint,
  { readings }: CurveResults,
): readonly Reading[] => readings.get(pointName(curve, point)) ?? [];
