import { expect, it } from 'vitest';
import { TroubleLog } from '../../../lib/llm-cache/trouble-log.js';

it('writes one line when a trouble starts and one when it ends', () => {
  const lines: string[] = [];
  const log = new TroubleLog({
    log: (line) => lines.push(`log ${line}`),
    warn: (line) => lines.push(`warn ${line}`),
  });
  log.ended('A fails');
  log.started('A fails', 'then b');
  log.started('A fails', 'then b');
  log.started('C fails', 'then d');
  log.ended('A fails');
  log.ended('A fails');
  log.started('A fails', 'then b');
  expect(lines).toEqual([
    'warn A fails; then b.',
    'warn C fails; then d.',
    'log Over: A fails.',
    'warn A fails; then b.',
  ]);
});
