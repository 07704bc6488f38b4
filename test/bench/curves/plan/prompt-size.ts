import { chatCall } from '../../plan/requests.js';
import type { Source } from '../../plan/row.interface.js';
import { measureRow } from '../../run/measure-row.js';
import type { NestRoute } from '../../servers/settings.js';
import type { Curve, CurvePoint } from './curve.interface.js';
import { readingOf, servedQuantities } from './quantities.js';
import { SIZES } from './sizes.js';

const points = (series: string, route: NestRoute, source: Source): readonly CurvePoint[] =>
  SIZES.map((promptBytes) => ({
    series,
    x: promptBytes,
    measure: async (bench) =>
      readingOf(
        await measureRow(bench, {
          server: { program: 'nest', settings: { platform: 'fastify', route } },
          request: { method: 'POST', body: chatCall(promptBytes), answer: 'completion' },
          source,
        }),
      ),
  }));

export const PROMPT_SIZE: Curve = {
  name: 'promptSize',
  title: 'A hit against the size of the prompt',
  x: { label: 'prompt', scale: 'log', isInBytes: true },
  quantities: servedQuantities({ cpuUs: 'log', requestsPerSecond: 'log' }),
  points: [
    ...points('hit in Redis', 'cached', 'cache-header'),
    ...points('parsed, no cache', 'value', 'handler'),
  ],
  notes:
    'Nest on Fastify, POST, answer of 2 KB, 50 connections. The other line is the same ' +
    'application without the cache, whose handler does nothing but answer.',
};
