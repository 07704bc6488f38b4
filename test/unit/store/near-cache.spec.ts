import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { NearCache, type NearCacheLimits } from '../../../lib/store/near-cache.js';
import type { Notices } from '../../../lib/store/redis-notices.js';

const LIMITS: NearCacheLimits = { maxBytes: 1_000, maxEntries: 10, maxAgeMs: 10_000 };

/** Processes that hear each other. */
function processes(count: number, limits: Partial<NearCacheLimits> = {}) {
  const listeners = new Map<string, ((text: string) => void)[]>();
  const notices: Notices = {
    nameOf: (channel) => channel,
    listen: async (channel, onNotice) => {
      listeners.set(channel, [...(listeners.get(channel) ?? []), onNotice]);
    },
    tell: (channel, text) => listeners.get(channel)?.forEach((listener) => listener(text)),
    close: () => undefined,
  };
  const caches = Array.from(
    { length: count },
    () => new NearCache<object>({ ...LIMITS, ...limits }, notices, 'near'),
  );
  return { caches, listeners };
}

function process(limits: Partial<NearCacheLimits> = {}): NearCache<object> {
  const [near] = processes(1, limits).caches;
  if (near === undefined) throw new Error('Expected a process.');
  return near;
}

const value = { answer: 42 };

describe('a near cache', () => {
  it('gives what it remembers, and nothing else', () => {
    const near = process();
    near.remember('a', { value, bytes: 10, since: near.changes });
    expect(near.get('a')).toBe(value);
    expect(near.get('b')).toBeUndefined();
  });

  it.each([
    ['maxAgeMs', { maxAgeMs: 30 }, undefined],
    ['what is left in Redis', {}, 30],
  ])('forgets after %s', async (_what, limits, leftMs) => {
    const near = process(limits);
    const since = near.changes;
    near.remember('a', { value, bytes: 10, since, ...(leftMs !== undefined && { leftMs }) });
    expect(near.get('a')).toBe(value);
    await sleep(60);
    expect(near.get('a')).toBeUndefined();
  });

  it('remembers nothing that is about to expire', () => {
    const near = process();
    near.remember('a', { value, bytes: 10, leftMs: 0.5, since: near.changes });
    expect(near.get('a')).toBeUndefined();
  });

  it('is bounded in bytes, and forgets what was not asked for longest', () => {
    const near = process();
    for (const key of ['a', 'b', 'c']) {
      near.remember(key, { value, bytes: 400, since: near.changes });
      near.get('a');
    }
    expect(['a', 'b', 'c'].filter((key) => near.get(key))).toEqual(['a', 'c']);
  });

  it('is bounded in entries, and takes none that is larger than all of it', () => {
    const near = process();
    for (let key = 0; key < 20; key += 1) {
      near.remember(`${key}`, { value, bytes: 1, since: near.changes });
    }
    const known = Array.from({ length: 20 }, (_, key) => near.get(`${key}`)).filter(Boolean);
    expect(known).toHaveLength(10);
    near.remember('large', { value, bytes: 1_001, since: near.changes });
    expect(near.get('large')).toBeUndefined();
  });

  it.each(['overwritten', 'forget', 'forgetAll'] as const)(
    'remembers nothing that was asked for before it heard: %s',
    (change) => {
      const near = process();
      const since = near.changes;
      near[change]('a');
      near.remember('a', { value, bytes: 10, since });
      expect(near.get('a')).toBeUndefined();
    },
  );

  it('tells the others what to forget, but not what it has overwritten', () => {
    const { caches } = processes(2);
    const [one, other] = caches;
    if (one === undefined || other === undefined) throw new Error('Expected two processes.');
    const remember = (): void => {
      for (const near of caches) {
        for (const key of ['a', 'b']) near.remember(key, { value, bytes: 1, since: near.changes });
      }
    };
    remember();
    one.overwritten('a');
    expect([one.get('a'), other.get('a')]).toEqual([undefined, value]);
    one.forget('a');
    expect([other.get('a'), other.get('b')]).toEqual([undefined, value]);
    remember();
    one.forgetAll();
    expect([one.get('b'), other.get('b')]).toEqual([undefined, undefined]);
  });

  it('listens when there is something to forget, not before', () => {
    const { caches, listeners } = processes(1);
    expect(listeners.size).toBe(0);
    caches[0]?.remember('a', { value, bytes: 1, since: 0 });
    expect(listeners.size).toBe(1);
  });
});
