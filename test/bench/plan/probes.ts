import type { Probe } from './row.interface.js';

export const PROBES = [
  {
    name: 'firstByteDelay',
    title: 'First byte of a recorded stream, with the cache minus without',
    unit: 'ms',
  },
  { name: 'idleConnection', title: 'Memory per idle connection', unit: 'KB' },
  {
    name: 'inFlightStream',
    title: 'Memory per recorded stream in flight, above its entry so far',
    unit: 'KB',
  },
  {
    name: 'inFlightUncached',
    title: 'Memory per stream in flight without the cache, for comparison',
    unit: 'KB',
  },
  { name: 'importTime', title: 'Import of the package, after Nest itself', unit: 'ms' },
] as const satisfies readonly Probe[];

export type ProbeName = (typeof PROBES)[number]['name'];
