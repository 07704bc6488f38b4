import type { Bench } from '../../run/bench.js';
import type { Disturbance } from '../../run/processor-time.js';

export type Scale = 'log' | 'linear';

/** What a point costs or gives: a column of the table, and a panel of the picture if it is drawn. */
export interface Quantity {
  readonly name: string;
  /** With its unit. */
  readonly label: string;
  readonly scale: Scale;
  readonly isDrawn: boolean;
}

export interface CurveAxis {
  /** With its unit, unless that is bytes. */
  readonly label: string;
  /** Places of equal width if there are few, whatever they stand for. */
  readonly scale: 'log' | 'places';
  readonly isInBytes?: boolean;
}

/** One point in one round. */
export interface Reading {
  /** By the names of quantities. */
  readonly values: Readonly<Record<string, number>>;
  readonly disturbance: Disturbance | undefined;
}

export interface CurvePoint {
  /** The line that it is on. */
  readonly series: string;
  readonly x: number;
  measure(bench: Bench): Promise<Reading>;
}

/** A cost as a function of one thing. */
export interface Curve {
  readonly name: string;
  readonly title: string;
  readonly x: CurveAxis;
  /** The first one is what noise is judged by. */
  readonly quantities: readonly Quantity[];
  readonly points: readonly CurvePoint[];
  /** What the reader must know, in a sentence or two. */
  readonly notes: string;
}
