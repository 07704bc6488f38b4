import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../lib/llm-cache/recording/entry.js';
import { replay } from '../../../lib/llm-cache/recording/replay.js';

const frameAt = (atMs: number): Frame => ({
  form: 'text',
  bytes: Buffer.from(`at ${atMs}`),
  atMs,
  personal: [],
});

describe('a caller who leaves in a pause of the replay', () => {
  it.each([{ pacing: 'recorded' }, { pacing: { tokensPerSecond: 0.5 } }] as const)(
    'has left at once: $pacing',
    async ({ pacing }) => {
      const pieces = replay([frameAt(0), frameAt(2_000)], { pacing, verbatim: true });
      expect(await pieces.next()).toEqual({ done: false, value: 'at 0' });
      const startedAt = performance.now();
      const pending = pieces.next();
      expect(await pieces.return?.()).toEqual({ done: true, value: undefined });
      expect(await pending).toEqual({ done: true, value: undefined });
      expect(performance.now() - startedAt).toBeLessThan(500);
    },
  );
});
