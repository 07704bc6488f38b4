import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Epochs } from '../../../../lib/llm-cache/invalidation/epochs.js';
import { runScript } from '../../../fixtures/run-script.js';
import { epochStore } from './epoch-store.js';

const NAMES = ['key:a'];

let redis: ReturnType<typeof epochStore>;
let epochs: Epochs;

beforeEach(() => {
  vi.useFakeTimers();
  redis = epochStore();
  epochs = new Epochs(redis.store, { namespace: 'cache' });
});
afterEach(() => {
  epochs.close();
  vi.useRealTimers();
});

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('polls', () => {
  it('go on while there are look-ups, so that these need not wait', async () => {
    await epochs.epochOf(NAMES);
    for (let passed = 0; passed < 10_000; passed += 100) {
      await after(100);
      expect(epochs.current(NAMES)?.isFresh).toBe(true);
    }
    expect(redis.sent).toHaveLength(1 + 40);
  });

  it('stop 5 s after the last look-up, and begin again with the next', async () => {
    await epochs.epochOf(NAMES);
    await after(60_000);
    expect(redis.sent).toHaveLength(1 + 20);
    expect(epochs.current(NAMES)).toBeUndefined();
    await epochs.epochOf(NAMES);
    await after(300);
    expect(redis.sent).toHaveLength(21 + 2);
  });

  it('stop with close()', async () => {
    await epochs.epochOf(NAMES);
    epochs.close();
    await after(10_000);
    expect(vi.getTimerCount()).toBe(0);
    expect((await epochs.epochOf(NAMES)).isFresh).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(redis.sent).toHaveLength(2);
  });

  it('do not pile up when Redis is slow', async () => {
    redis.state.takesMs = 10_000;
    void epochs.epochOf(NAMES);
    await after(3_000);
    expect(redis.sent).toHaveLength(1);
  });
});

describe('an epoch', () => {
  it('is fresh for 500 ms from when Redis was asked, not from when it answered', async () => {
    redis.state.takesMs = 240;
    const pending = epochs.epochOf(NAMES);
    epochs.close();
    await after(240);
    expect((await pending).isFresh).toBe(true);
    await after(260);
    expect(epochs.current(NAMES)?.isFresh).toBe(true);
    await after(1);
    expect(epochs.current(NAMES)).toBeUndefined();
  });

  it('comes by a poll under way only if that was sent 500 ms ago at most', async () => {
    epochs.close();
    redis.state.takesMs = 700;
    const first = epochs.epochOf(NAMES);
    await after(500);
    const second = epochs.epochOf(NAMES);
    await after(1);
    const third = epochs.epochOf(NAMES);
    await after(198);
    expect(redis.sent).toHaveLength(1);
    await after(1);
    expect((await Promise.all([first, second])).map(({ isFresh }) => isFresh)).toEqual([
      true,
      true,
    ]);
    expect(redis.sent).toHaveLength(2);
    await after(700);
    expect((await third).isFresh).toBe(true);
    expect(redis.sent).toHaveLength(2);
  });

  it('is not fresh before the last page of a new base is there', async () => {
    const paged = new Epochs(redis.store, { namespace: 'cache', pageSize: 2 });
    await paged.invalidate(['tag:b', 'tag:c', ...NAMES]);
    const { text } = await paged.epochOf(NAMES);
    redis.state.base = 'base:2';
    redis.state.takesMs = 100;
    await after(250 + 100);
    expect(redis.sent).toHaveLength(4);
    expect(paged.current(NAMES)).toBeUndefined();
    expect(paged.isCurrent(text, NAMES)).toBe(false);
    await after(100);
    expect(paged.current(NAMES)).toEqual({ text: 'base:2:3', version: 3, isFresh: true });
    paged.close();
  });

  it('is unknown while Redis was never there', async () => {
    redis.state.fails = true;
    expect(await epochs.epochOf(NAMES)).toEqual({ text: 'unknown:0', version: 0, isFresh: false });
    expect(epochs.isCurrent('unknown:0', NAMES)).toBe(false);
  });

  it.each(['', 'base:1', 'base:1:', 'base:1:x', 'base:1:-1', 'base:1:1.5', 'base:2:0', ':0'])(
    'is none: %j',
    async (text) => {
      await epochs.epochOf(NAMES);
      expect(epochs.isCurrent('base:1:0', NAMES)).toBe(true);
      expect(epochs.isCurrent(text, NAMES)).toBe(false);
    },
  );

  it('takes in every digest of a name while secrets are rotated', async () => {
    const withSecrets = (...secrets: [string, ...string[]]) => {
      const [first, ...others] = secrets;
      const namesOf = (digest: string): readonly [string, ...string[]] => [
        `${first}.${digest}`,
        ...others.map((secret) => `${secret}.${digest}`),
      ];
      return new Epochs(redis.store, { namespace: 'cache', namesOf });
    };
    const [before, during, late] = [
      withSecrets('old'),
      withSecrets('new', 'old'),
      withSecrets('new'),
    ];
    await before.invalidate(NAMES);
    expect((await during.epochOf(NAMES)).version).toBe(1);
    expect((await late.epochOf(NAMES)).version).toBe(0);
    await during.invalidate(['key:b']);
    expect(redis.sent.at(-1)?.map((name) => name.slice(0, 4))).toEqual(['new.', 'old.']);
    for (const each of [before, late]) {
      each.close();
      await after(501);
      expect((await each.epochOf(['key:b'])).version).toBeGreaterThan(1);
    }
    during.close();
  });
});

describe('invalidations', () => {
  it('that come during an exchange go together in the next one', async () => {
    redis.state.takesMs = 100;
    const others = ['key:b', 'key:c', 'key:d'].map((name) => () => epochs.invalidate([name]));
    const all = [epochs.invalidate(NAMES), ...others.map((invalidate) => invalidate())];
    await after(200);
    await Promise.all(all);
    expect(redis.sent.map((names) => names.length)).toEqual([1, 3]);
  });

  it('of very many names are sent in portions', async () => {
    await epochs.invalidate(Array.from({ length: 2_500 }, (_, index) => `tag:${index}`));
    expect(redis.sent.map((names) => names.length)).toEqual([1_000, 1_000, 500]);
    expect(epochs.isCurrent('base:1:2499', ['tag:2499'])).toBe(false);
    expect(epochs.isCurrent('base:1:2500', ['tag:2499'])).toBe(true);
  });

  it('fail for all who wait for the same script, and say what to do', async () => {
    redis.state.takesMs = 100;
    redis.state.fails = true;
    const all = Promise.allSettled([NAMES, ['a'], ['b']].map((names) => epochs.invalidate(names)));
    await after(200);
    for (const result of await all) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'DEADLINE_EXCEEDED', message: expect.stringMatching(/Invalidate again/) },
      });
    }
  });
});

describe('trouble', () => {
  it('is waited for once, and found to be over by the polls', async () => {
    redis.state.takesMs = 200;
    redis.state.fails = true;
    const first = epochs.epochOf(NAMES);
    await after(200);
    expect((await first).isFresh).toBe(false);
    for (let passed = 0; passed < 2_000; passed += 50) {
      await after(50);
      const startedAt = performance.now();
      expect((await epochs.epochOf(NAMES)).isFresh).toBe(false);
      expect(performance.now()).toBe(startedAt);
    }
    redis.state.fails = false;
    await after(500);
    expect(epochs.current(NAMES)?.isFresh).toBe(true);
  });

  it('that is over is no reason not to wait for a slow answer', async () => {
    redis.state.fails = true;
    await epochs.epochOf(NAMES);
    redis.state.fails = false;
    await after(250);
    redis.state.takesMs = 700;
    await after(600);
    const pending = epochs.epochOf(NAMES);
    await after(350);
    expect((await pending).isFresh).toBe(true);
  });

  it('of long ago is no reason not to ask', async () => {
    redis.state.fails = true;
    await epochs.epochOf(NAMES);
    await after(10_000);
    redis.state.fails = false;
    expect((await epochs.epochOf(NAMES)).isFresh).toBe(true);
  });

  it('leaves the last epoch that was known', async () => {
    await epochs.invalidate(NAMES);
    redis.state.fails = true;
    await after(1_000);
    expect(await epochs.epochOf(NAMES)).toEqual({ text: 'base:1:1', version: 1, isFresh: false });
  });

  it('of a store that throws is no more than that', async () => {
    redis.state.throws = true;
    expect((await epochs.epochOf(NAMES)).isFresh).toBe(false);
    await after(1_000);
    await expect(epochs.invalidate(NAMES)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});

describe('a process', () => {
  it('ends by itself although its epochs were not closed', async () => {
    vi.useRealTimers();
    const startedAt = performance.now();
    const result = await runScript(new URL('endless-look-ups.ts', import.meta.url));
    expect(result).toEqual({ exitCode: 0, signal: null, stdout: 'fresh true\n', stderr: '' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
