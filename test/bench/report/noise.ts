import { spread } from '../run/medians.js';
import type { Disturbance } from '../run/processor-time.js';

/** From which spread on what was measured is called noisy. */
const NOISY_SPREAD = 0.15;
/** Shares of the server's core. */
const NOISY_OTHERS = 0.1;
const NOISY_STOLEN = 0.02;

/** What is compared over the rounds, and what others took of the core meanwhile. */
export interface Observed {
  readonly name: string;
  readonly values: readonly number[];
  readonly disturbances: readonly Disturbance[];
}

/** In sentences; none without noise. */
export function noiseOf({ name, values, disturbances }: Observed): string[] {
  const percent = spread(values) * 100;
  const others = Math.max(0, ...disturbances.map((disturbance) => disturbance.others));
  const stolen = Math.max(0, ...disturbances.map((disturbance) => disturbance.stolen));
  return [
    ...(percent > NOISY_SPREAD * 100 ? [`${name}: spread of ${percent.toFixed(0)} %`] : []),
    ...(others > NOISY_OTHERS
      ? [`${name}: others took ${(others * 100).toFixed(0)} % of the server's core in one round`]
      : []),
    ...(stolen > NOISY_STOLEN
      ? [`${name}: the host took ${(stolen * 100).toFixed(0)} % of the core in one round`]
      : []),
  ];
}
