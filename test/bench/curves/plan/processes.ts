import { measureProcesses } from '../measure/processes.js';
import type { Curve } from './curve.interface.js';
import { servedQuantities } from './quantities.js';

export const PROCESSES: Curve = {
  name: 'processes',
  title: 'Throughput against processes of one application',
  x: { label: 'processes', scale: 'places' },
  quantities: servedQuantities({ cpuUs: 'linear', requestsPerSecond: 'linear' }),
  points: ['hit in Redis', 'near hit'].flatMap((series) =>
    [1, 2].map((count) => ({
      series,
      x: count,
      measure: (bench) => measureProcesses(bench, count, series === 'near hit'),
    })),
  ),
  notes:
    'The processes share their entries and 50 connections. Here they run on all cores, and load ' +
    'and Redis take one of them: with two cores the second process gets what these leave.',
};
