import { createHook } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { SharedChunks, SlowReaderError } from '../../../lib/llm-cache/flight/shared-chunks.js';

const KILOBYTE = 'x'.repeat(1_024);

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** A source that counts what is asked of it. */
function sourceOf(pieces: readonly unknown[], failure?: Error) {
  const state = { reads: 0, isStopped: false };
  const source: AsyncIterator<unknown> = {
    next: async () => {
      await sleep(0);
      const value = pieces[state.reads];
      state.reads += 1;
      if (state.reads <= pieces.length) return { done: false, value };
      if (failure) throw failure;
      return { done: true, value: undefined };
    },
    return: async () => {
      state.isStopped = true;
      return { done: true, value: undefined };
    },
  };
  return { source, state };
}

function share(pieces: readonly unknown[], maxBytes = 1e6, failure?: Error) {
  const { source, state } = sourceOf(pieces, failure);
  const abandoned: string[] = [];
  const chunks = new SharedChunks(source, maxBytes, () => abandoned.push('abandoned'));
  return { chunks, state, abandoned };
}

async function all(reader: AsyncIterable<unknown>): Promise<unknown[]> {
  const pieces: unknown[] = [];
  for await (const piece of reader) pieces.push(piece);
  return pieces;
}

describe('a body for many readers', () => {
  it('gives each reader every piece from the first on, whenever it joins', async () => {
    const { chunks, state } = share(['a', 'b', 'c']);
    const first = chunks.read(true);
    expect(await first.next()).toEqual({ done: false, value: 'a' });
    const second = chunks.read(false);
    expect(await all(second)).toEqual(['a', 'b', 'c']);
    expect(await all(first)).toEqual(['b', 'c']);
    expect(await all(chunks.read(false))).toEqual(['a', 'b', 'c']);
    expect(state.reads).toBe(4);
  });

  it('gives the original once, and copies from then on', async () => {
    const bytes = Buffer.from('bytes');
    const { chunks } = share([bytes]);
    const given = [
      await chunks.read(true).next(),
      await chunks.read(true).next(),
      await chunks.read(false).next(),
    ].map(({ value }): unknown => value);
    expect(given).toStrictEqual([bytes, bytes, bytes]);
    expect(given.map((value) => value === bytes)).toStrictEqual([true, false, false]);
  });

  it('lets go of whoever waited for a piece', async () => {
    const { chunks } = share(Array.from({ length: 100 }, (_, index) => `piece ${index}`));
    const waiting = new Set<number>();
    const hook = createHook({
      init: (id, type) => type === 'PROMISE' && waiting.add(id),
      promiseResolve: (id) => waiting.delete(id),
    });
    const reader = chunks.read(true);
    await reader.next();
    hook.enable();
    for (let taken = 0; taken < 90; taken += 1) await reader.next();
    hook.disable();
    expect(waiting.size).toBeLessThan(10);
  });

  it.each<[string, (reader: AsyncIterator<unknown>) => Promise<unknown>]>([
    ['has ended', async (reader) => (await reader.next(), await reader.next())],
    ['has left', async (reader) => (await reader.next(), await reader.return?.())],
  ])('is not held by a reader that %s', async (_how, read) => {
    const begin = (): { reader: AsyncIterator<unknown>; body: WeakRef<SharedChunks> } => {
      const { chunks } = share(['a']);
      return { reader: chunks.read(true), body: new WeakRef(chunks) };
    };
    const { reader, body } = begin();
    expect(await read(reader)).toEqual({ done: true, value: undefined });
    await sleep(0);
    collectGarbage();
    expect(body.deref()).toBeUndefined();
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  it('reads no further than the fastest reader wants', async () => {
    const { chunks, state } = share(['a', 'b', 'c', 'd']);
    const [fast, slow] = [chunks.read(true), chunks.read(false)];
    await fast.next();
    await fast.next();
    await slow.next();
    await sleep(20);
    expect(state.reads).toBe(2);
  });

  it('gives copies to all but the first, who gets what came', async () => {
    const piece = { text: 'a' };
    const bytes = Buffer.from('b');
    const { chunks } = share([piece, bytes]);
    const [own] = await all(chunks.read(true));
    expect(own).toBe(piece);
    const [copy] = await all(chunks.read(false));
    expect(copy).toEqual({ text: 'a' });
    expect(copy).not.toBe(piece);
    piece.text = 'changed';
    bytes.fill(0);
    expect(await all(chunks.read(false))).toEqual([{ text: 'a' }, Buffer.from('b')]);
  });

  it('passes a failure on behind the pieces before it', async () => {
    const failure = new Error('cut');
    const { chunks } = share(['a'], 1e6, failure);
    for (const reader of [chunks.read(true), chunks.read(false)]) {
      expect(await reader.next()).toEqual({ done: false, value: 'a' });
      await expect(reader.next()).rejects.toBe(failure);
    }
    expect(await chunks.ended).toEqual({ error: failure });
    expect(await chunks.begun).toBe(true);
  });

  it('has no body when it fails at once', async () => {
    const { chunks } = share([], 1e6, new Error('refused'));
    await expect(chunks.read(true).next()).rejects.toThrow('refused');
    expect(await chunks.begun).toBe(false);
  });

  it('tells when the last reader leaves before the end, and not after it', async () => {
    const { chunks, abandoned } = share(['a', 'b']);
    const readers = [chunks.read(true), chunks.read(false)];
    await readers[0]?.return?.();
    expect(abandoned).toEqual([]);
    await readers[1]?.return?.();
    expect(abandoned).toEqual(['abandoned']);
    await chunks.drain();
    expect([...chunks.pieces()].map(({ wire }) => wire)).toMatchObject([
      { text: 'a' },
      { text: 'b' },
    ]);
    await all(chunks.read(false));
    expect(abandoned).toHaveLength(1);
  });

  it('stops its source, and its readers', async () => {
    const { chunks, state } = share(['a', 'b']);
    const reader = chunks.read(true);
    await reader.next();
    chunks.stop(new Error('stopped'));
    await expect(reader.next()).rejects.toThrow('stopped');
    expect(state.isStopped).toBe(true);
  });
});

describe('a body that is larger than the limit', () => {
  const pieces = Array.from({ length: 10 }, () => KILOBYTE);

  it('is passed on whole and kept no longer', async () => {
    const { chunks } = share(pieces, 3_000);
    expect(await all(chunks.read(true))).toHaveLength(10);
    expect(chunks.isWhole).toBe(false);
    expect([...chunks.pieces()]).toEqual([]);
    expect(() => chunks.read(false)).toThrow(/too large/);
  });

  it('waits for the reader that came first', async () => {
    const { chunks, state } = share(pieces, 3_000);
    const first = chunks.read(true);
    const second = chunks.read(false);
    const reading = all(second);
    await sleep(50);
    // The third piece has gone over the limit, and the first reader has taken none.
    expect(state.reads).toBe(3);
    expect(await all(first)).toHaveLength(10);
    expect(await reading).toHaveLength(10);
  });

  it('cuts off another one that falls behind, and nobody else', async () => {
    const { chunks } = share(pieces, 3_000);
    const first = chunks.read(true);
    const slow = chunks.read(false);
    await slow.next();
    expect(await all(first)).toHaveLength(10);
    await expect(all(slow)).rejects.toBeInstanceOf(SlowReaderError);
  });

  it('is read to the limit only when nobody takes it', async () => {
    const { chunks, state } = share(pieces, 3_000);
    await chunks.read(true).return?.();
    await chunks.drain();
    expect(state.reads).toBe(3);
    expect(state.isStopped).toBe(true);
  });
});
