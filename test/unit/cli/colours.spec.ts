import { expect, it } from 'vitest';
import { painter } from '../../../lib/cli/colours.js';

it.each([
  [true, {}, true],
  [false, {}, false],
  [undefined, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '3', NO_COLOR: '1' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: 'false' }, false],
])('isTTY %s with %j: colours are %s', (isTTY, env, coloured) => {
  const paint = painter(isTTY === undefined ? {} : { isTTY }, env);
  expect(paint('green', '✓')).toBe(coloured ? '\u001B[32m✓\u001B[0m' : '✓');
});
