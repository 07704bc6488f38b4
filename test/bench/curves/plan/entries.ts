import { freemem } from 'node:os';
import { measureAmongEntries } from '../measure/among-entries.js';
import type { Curve } from './curve.interface.js';
import { servedQuantities } from './quantities.js';

/** Of an entry with an answer of 2 KB: more than it takes. */
const ROOM_BYTES = 4_096;

/** Redis must not make the machine swap. */
const COUNTS = [1_000, 10_000, 100_000, 1_000_000].filter(
  (count) => count * ROOM_BYTES < freemem() / 2,
);

export const ENTRIES: Curve = {
  name: 'entries',
  title: 'Throughput against the entries in Redis',
  x: { label: 'entries in Redis', scale: 'log' },
  quantities: [
    ...servedQuantities({ cpuUs: 'linear', requestsPerSecond: 'linear' }),
    {
      name: 'bytesPerEntry',
      label: 'bytes of Redis per entry',
      scale: 'linear',
      isDrawn: true,
    },
  ],
  points: COUNTS.map((count) => ({
    series: 'hit in Redis',
    x: count,
    measure: (bench) => measureAmongEntries(bench, count),
  })),
  notes:
    'Nest on Fastify, POST, prompt and answer of 2 KB, 50 connections; 200 of the entries are ' +
    'asked for in turn. Memory is used_memory of INFO, so with the key and its place in the table.',
};
