import { expect, it } from 'vitest';
import { readDuration, showDuration } from '../../../lib/cli/duration.js';

const LIMITS = { min: 100, max: 7_200_000 };

it.each([
  ['100ms', 100],
  ['1500ms', 1_500],
  ['60s', 60_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
])('%s is %i ms', (text, ms) => {
  expect(readDuration('wait', text, LIMITS)).toBe(ms);
});

it.each([
  ['60', 'got 60 without a unit'],
  ['99ms', 'got 99ms'],
  ['3h', 'got 3h'],
  ['soon', 'got something else'],
  ['', 'got something else'],
  ['-5s', 'got something else'],
  ['1d', 'got something else'],
  ['5 s', 'got something else'],
])('"%s" is refused', (text, came) => {
  expect(() => readDuration('wait', text, LIMITS)).toThrow(
    `--wait: expected a time from 100ms to 2h, ${came}; write e.g. 1500ms, 60s, 5m or 1h.`,
  );
});

it.each([
  [1, '1ms'],
  [1_500, '1500ms'],
  [90_000, '90s'],
  [300_000, '5m'],
  [86_400_000, '24h'],
])('%i ms is shown as %s', (ms, text) => {
  expect(showDuration(ms)).toBe(text);
});
