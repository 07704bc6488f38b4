import type { Measurement } from '../../run/measure-row.js';
import type { Quantity, Reading, Scale } from './curve.interface.js';

type Served = Exclude<keyof Measurement, 'disturbance'>;

const SERVED: readonly (readonly [name: Served, label: string])[] = [
  ['cpuUs', 'CPU µs per request'],
  ['requestsPerSecond', 'requests/s'],
  ['p50Us', 'p50 µs'],
  ['p99Us', 'p99 µs'],
];

/** What the load on a server tells; what has no scale is in the table only. */
export const servedQuantities = (
  scales: Readonly<Partial<Record<Served, Scale>>>,
): readonly Quantity[] =>
  SERVED.map(([name, label]) => {
    const scale = scales[name];
    return { name, label, scale: scale ?? 'linear', isDrawn: scale !== undefined };
  });

export const readingOf = ({ disturbance, ...values }: Measurement): Reading => ({
  values,
  disturbance,
});
