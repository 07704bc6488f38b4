import * as fc from 'fast-check';
import { Keyv } from 'keyv';
import { describe, expect, it } from 'vitest';
import { StoredJson } from '../../../lib/store/stored-json.js';

const LATER = 4_000_000_000_000;

/** What Keyv writes. */
async function envelopeOf(value: unknown, more: object = { expires: LATER }): Promise<Buffer> {
  const text = await new Keyv().serializeData({ value, ...more });
  if (typeof text !== 'string') throw new Error('Expected a text.');
  return Buffer.from(text);
}

describe('a value of Keyv that is not parsed', () => {
  it('is the JSON that Keyv would parse, or is left to Keyv', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const stored = StoredJson.read(await envelopeOf(value));
        if (stored === undefined) return;
        expect(stored.parse()).toEqual(JSON.parse(JSON.stringify(value)));
        expect(stored.expiresAtMs).toBe(LATER);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an object', { a: [1, 'é', null], b: { c: '"value"' } }],
    ['an array', [1, 2]],
    ['a text', 'Hi'],
    ['a text that looks like the end', ',"expires":1}'],
    ['a name with a colon', { ':a': 1 }],
  ])('is there for %s', async (_what, value) => {
    expect(StoredJson.read(await envelopeOf(value))?.parse()).toEqual(value);
  });

  it.each([
    ['a text that Keyv has escaped', { text: ':smile:' }],
    ['bytes', { bytes: Buffer.from('abc') }],
    ['null', null],
  ])('is left to Keyv for %s', async (_what, value) => {
    expect(StoredJson.read(await envelopeOf(value))).toBeUndefined();
  });

  it('is left to Keyv without an expiry, and for what is none of Keyv', async () => {
    expect(StoredJson.read(await envelopeOf({ a: 1 }, {}))).toBeUndefined();
    for (const text of ['', '{}', '{"value":1', 'garbage', '{"expires":1}']) {
      expect(StoredJson.read(Buffer.from(text))).toBeUndefined();
    }
  });
});
