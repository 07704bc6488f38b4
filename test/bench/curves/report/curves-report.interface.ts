import type { FailedReport, Surroundings } from '../../report/report.interface.js';
import type { CurveAxis, Quantity } from '../plan/curve.interface.js';

/** Of all rounds. */
export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface CurvePointReport {
  readonly series: string;
  readonly x: number;
  /** By the names of quantities. */
  readonly values: Readonly<Record<string, Summary>>;
}

export interface CurveReport {
  readonly name: string;
  readonly title: string;
  readonly notes: string;
  readonly x: CurveAxis;
  readonly quantities: readonly Quantity[];
  /** Without those that have failed. */
  readonly points: readonly CurvePointReport[];
}

/** Everything that one run of the curves says. */
export interface CurvesReport extends Surroundings {
  /** How the numbers are to be read. */
  readonly rule: string;
  readonly curves: readonly CurveReport[];
  readonly failed: readonly FailedReport[];
  /** One sentence per disturbance of the machine. */
  readonly noise: readonly string[];
}
