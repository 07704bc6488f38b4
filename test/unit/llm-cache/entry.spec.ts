import { describe, expect, it } from 'vitest';
import { decodeEntry, encodeEntry, type Entry } from '../../../lib/llm-cache/recording/entry.js';
import { RecordedAnswers } from '../../../lib/llm-cache/recording/recorded-answers.js';
import { memoryStore } from '../../fixtures/memory-store.js';
import { plainSealer } from '../../fixtures/plain-sealer.js';

const KEY = 'key';
const NAME = `llm:v3:{${KEY}}`;
const ENTRY: Entry = {
  storedAtMs: 1_700_000_000_000,
  ttlMs: 60_000,
  tookMs: 1_234,
  usage: { inputTokens: 7 },
  head: {
    kind: 'web-stream',
    status: 201,
    headers: { 'content-type': 'text/event-stream' },
    origin: { id: 'first', epoch: 'base:3' },
  },
  frames: [
    {
      form: 'text',
      bytes: Buffer.from('data: {"id":"a","text":"Grüße 👋"}\n\n'),
      atMs: 0,
      personal: [{ start: 12, end: 15, kind: 'id' }],
    },
    { form: 'bytes', bytes: Buffer.from([0, 255, 10]), atMs: 12, personal: [] },
  ],
};

describe('an entry', () => {
  it('comes back as it was written', () => {
    expect(decodeEntry(KEY, encodeEntry(KEY, ENTRY))).toEqual(ENTRY);
  });

  it('names the places of fresh values once for all frames that have the same', () => {
    const one = ENTRY.frames.slice(0, 1);
    const sizeOf = (count: number): number => {
      const frames = Array.from({ length: count }).flatMap(() => one);
      return encodeEntry(KEY, { ...ENTRY, frames }).length;
    };
    const bytes = one.reduce((sum, frame) => sum + frame.bytes.length, 0);
    const forEach = (sizeOf(201) - sizeOf(1)) / 200 - bytes;
    expect(forEach).toBeLessThan('0,40,0,0,'.length + 1);
  });

  it('is nothing with any bit flipped', () => {
    const bytes = encodeEntry(KEY, ENTRY);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(decodeEntry(KEY, flipped)).toBeUndefined();
    }
  });

  it('is nothing when bytes are missing or added', () => {
    const bytes = encodeEntry(KEY, ENTRY);
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeEntry(KEY, bytes.subarray(0, length))).toBeUndefined();
    }
    expect(decodeEntry(KEY, Buffer.concat([bytes, Buffer.from(' ')]))).toBeUndefined();
  });

  it('is nothing under another key', () => {
    expect(decodeEntry('other', encodeEntry(KEY, ENTRY))).toBeUndefined();
  });

  it.each([
    ['bytes of something else', Buffer.from('{"value":{"choices":[]},"expires":1}')],
    ['an unknown version', Buffer.concat([Buffer.from([9]), encodeEntry(KEY, ENTRY).subarray(1)])],
  ])('is not made of %s', (_what, bytes) => {
    expect(decodeEntry(KEY, bytes)).toBeUndefined();
  });
});

describe('recorded answers', () => {
  function recordedAnswers() {
    const memory = memoryStore();
    const states: boolean[] = [];
    return {
      ...memory,
      states,
      answers: new RecordedAnswers({
        store: memory.store,
        sealer: plainSealer,
        namesOf: (key) => [key],
        onStoreState: (isWorking) => states.push(isWorking),
      }),
    };
  }

  it('are found as they were recorded', async () => {
    const { answers } = recordedAnswers();
    await answers.record(KEY, ENTRY, 60_000);
    expect(await answers.find(KEY)).toEqual(ENTRY);
  });

  it('are a miss and deleted when damaged', async () => {
    const { answers, entries } = recordedAnswers();
    entries.set(NAME, Buffer.from('garbage'));
    expect(await answers.find(KEY)).toBeUndefined();
    await expect.poll(() => entries.has(NAME)).toBe(false);
  });

  it('fail as a miss or a dropped write, and tell the state of the store', async () => {
    const { answers, entries, state, states } = recordedAnswers();
    state.fails = true;
    expect(await answers.find(KEY)).toBeUndefined();
    await answers.record(KEY, ENTRY, 60_000);
    expect(states).toEqual([false, false]);
    expect(entries.size).toBe(0);

    state.fails = false;
    expect(await answers.find(KEY)).toBeUndefined();
    expect(states).toEqual([false, false, true]);
  });
});
