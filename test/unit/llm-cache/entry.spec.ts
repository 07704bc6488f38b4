import { describe, expect, it } from 'vitest';
import {
  decodeEntry,
  encodeEntry,
  MAX_ENTRY_BYTES,
} from '../../../lib/llm-cache/recording/entry.js';
import { RecordedAnswers } from '../../../lib/llm-cache/recording/recorded-answers.js';
import type { ByteStore } from '../../../lib/store/byte-store.interface.js';

const KEY = 'llm:v1:key';
const ENTRY = {
  storedAtMs: 1_700_000_000_000,
  ttlMs: 60_000,
  status: 201,
  headers: { 'content-type': 'application/json' },
  body: '{"text":"Grüße 👋","n":0.5}',
};

/** The store's contract over a Map, with a switch for trouble. */
function memoryStore() {
  const entries = new Map<string, Buffer>();
  const state = { fails: false };
  const check = () => {
    if (state.fails) throw new Error('unreachable');
  };
  const store: ByteStore = {
    async getBytes(key) {
      check();
      return entries.get(key);
    },
    async setBytes(key, bytes) {
      check();
      entries.set(key, bytes);
      return true;
    },
    async deleteBytes(key) {
      check();
      return entries.delete(key);
    },
  };
  return { entries, state, store };
}

describe('an entry', () => {
  it('comes back as it was written', () => {
    expect(decodeEntry(KEY, encodeEntry(KEY, ENTRY))).toEqual(ENTRY);
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
    expect(decodeEntry('llm:v1:other', encodeEntry(KEY, ENTRY))).toBeUndefined();
  });

  it.each([
    ['bytes of something else', Buffer.from('{"value":{"choices":[]},"expires":1}')],
    ['an unknown version', Buffer.concat([Buffer.from([2]), encodeEntry(KEY, ENTRY).subarray(1)])],
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
      answers: new RecordedAnswers(memory.store, (isWorking) => states.push(isWorking)),
    };
  }

  it('are found with their value, status, headers and times', async () => {
    const { answers } = recordedAnswers();
    expect(answers.record(KEY, ENTRY)).toBe(true);
    const { body, ...rest } = ENTRY;
    expect(await answers.find(KEY)).toEqual({ ...rest, value: JSON.parse(body) });
  });

  it('are a miss and deleted when damaged', async () => {
    const { answers, entries } = recordedAnswers();
    entries.set(KEY, Buffer.from('garbage'));
    expect(await answers.find(KEY)).toBeUndefined();
    await expect.poll(() => entries.has(KEY)).toBe(false);
  });

  it('are not written above the limit, which includes the header', () => {
    const { answers, entries } = recordedAnswers();
    const overhead = encodeEntry(KEY, { ...ENTRY, body: '' }).length;
    const body = (bytes: number) => ({ ...ENTRY, body: JSON.stringify('x'.repeat(bytes - 2)) });
    expect(answers.record(KEY, body(MAX_ENTRY_BYTES - overhead + 1))).toBe(false);
    expect(entries.size).toBe(0);
    expect(answers.record(KEY, body(MAX_ENTRY_BYTES - overhead))).toBe(true);
    expect(entries.size).toBe(1);
  });

  it('fail as a miss or a dropped write, and tell the state of the store', async () => {
    const { answers, entries, state, states } = recordedAnswers();
    state.fails = true;
    expect(await answers.find(KEY)).toBeUndefined();
    expect(answers.record(KEY, ENTRY)).toBe(true);
    await expect.poll(() => states).toEqual([false, false]);
    expect(entries.size).toBe(0);

    state.fails = false;
    expect(await answers.find(KEY)).toBeUndefined();
    expect(states).toEqual([false, false, true]);
  });
});
