import { NEAR_CACHE } from '../../plan/near-cache.js';
import { GET } from '../../plan/requests.js';
import { measureRow } from '../../run/measure-row.js';
import type { Curve, CurvePoint } from './curve.interface.js';
import { readingOf, servedQuantities } from './quantities.js';

const CONNECTIONS = [1, 10, 100, 1_000];

const points = (series: string, cache: object): readonly CurvePoint[] =>
  CONNECTIONS.map((connections) => ({
    series,
    x: connections,
    measure: async (bench) =>
      readingOf(
        await measureRow(
          bench,
          {
            server: { program: 'nest', settings: { platform: 'fastify', route: 'cached', cache } },
            request: GET,
            source: 'cache-header',
          },
          connections,
        ),
      ),
  }));

export const CONNECTIONS_CURVE: Curve = {
  name: 'connections',
  title: 'Throughput against connections',
  x: { label: 'connections', scale: 'log' },
  quantities: servedQuantities({ cpuUs: 'linear', requestsPerSecond: 'linear', p99Us: 'log' }),
  points: [...points('hit in Redis', {}), ...points('near hit', { ...NEAR_CACHE })],
  notes:
    'Nest on Fastify, GET, answer of 2 KB. Each connection asks again as soon as it has its ' +
    'answer: beyond some ten of them the core is full, and more of them only wait.',
};
