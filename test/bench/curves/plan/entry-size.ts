import { NEAR_CACHE } from '../../plan/near-cache.js';
import { GET } from '../../plan/requests.js';
import { measureRow } from '../../run/measure-row.js';
import type { Curve, CurvePoint } from './curve.interface.js';
import { readingOf, servedQuantities } from './quantities.js';
import { SIZES } from './sizes.js';

/** The largest answer is larger than what the cache keeps by default. */
const LIMITS = { llm: { maxEntryBytes: 8 * 1_024 * 1_024 } };

const points = (series: string, cache: object): readonly CurvePoint[] =>
  SIZES.map((answerBytes) => ({
    series,
    x: answerBytes,
    measure: async (bench) =>
      readingOf(
        await measureRow(bench, {
          server: {
            program: 'nest',
            settings: { platform: 'fastify', route: 'cached', cache, answerBytes },
          },
          request: { ...GET, answerBytes },
          source: 'cache-header',
        }),
      ),
  }));

export const ENTRY_SIZE: Curve = {
  name: 'entrySize',
  title: 'A hit against the size of the answer',
  x: { label: 'answer', scale: 'log', isInBytes: true },
  quantities: servedQuantities({ cpuUs: 'log', requestsPerSecond: 'log' }),
  points: [...points('hit in Redis', LIMITS), ...points('near hit', { ...LIMITS, ...NEAR_CACHE })],
  notes:
    'Nest on Fastify, GET, 50 connections. Entries above 16 KB are compressed in Redis, and ' +
    'unpacked for each hit there.',
};
