import type { Bench } from '../run/bench.js';
import { interleave } from '../run/interleave.js';
import type { Curve, CurvePoint, Reading } from './plan/curve.interface.js';

export interface CurveResults {
  /** One reading per round, by the name of the point. */
  readonly readings: ReadonlyMap<string, readonly Reading[]>;
  /** Why points have failed; they are not measured again. */
  readonly failures: ReadonlyMap<string, string>;
}

/** Of all points of all curves no two are the same. */
export const pointName = ({ name }: Curve, { series, x }: CurvePoint): string =>
  `${name}, ${series}, ${x}`;

export async function runCurves(
  bench: Bench,
  curves: readonly Curve[],
  rounds: number,
  progress: (line: string) => void,
): Promise<CurveResults> {
  const readings = new Map<string, Reading[]>();
  const steps = curves.flatMap((curve) =>
    curve.points.map((point) => {
      const name = pointName(curve, point);
      const ownReadings: Reading[] = [];
      readings.set(name, ownReadings);
      return {
        name,
        measure: async () => {
          const reading = await point.measure(bench);
          ownReadings.push(reading);
          return told(curve, reading);
        },
      };
    }),
  );
  const failures = await interleave(bench, steps, rounds, progress);
  return { readings, failures };
}

const told = ({ quantities }: Curve, { values }: Reading): string =>
  quantities
    .filter(({ isDrawn }) => isDrawn)
    .map(({ name, label }) => `${Number((values[name] ?? NaN).toPrecision(4))} ${label}`)
    .join(', ');
