import type { Surroundings } from './report.interface.js';

/** When, on what and with what, in one line. */
export function madeWith({ date, machine, versions }: Surroundings): string {
  const used = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${date.slice(0, 10)}, ${machine}; ${used.join(', ')}.`;
}
