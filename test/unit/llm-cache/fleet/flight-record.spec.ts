import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeRecord,
  encodeRecord,
  type FlightRecord,
} from '../../../../lib/llm-cache/fleet/flight-record.js';
import { ANSWER_KINDS, type OriginatedHead } from '../../../../lib/llm-cache/recording/answer.js';

const head: fc.Arbitrary<OriginatedHead> = fc.record({
  kind: fc.constantFrom(...ANSWER_KINDS),
  status: fc.integer({ min: 100, max: 599 }),
  headers: fc.dictionary(fc.stringMatching(/^[a-z-]{1,20}$/), fc.string()),
  origin: fc.record({ id: fc.string(), epoch: fc.string() }),
});

const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme' });

const record: fc.Arbitrary<FlightRecord> = fc.oneof(
  head.map((one) => ({ kind: 'head', head: one }) as const),
  bytes.map((one) => ({ kind: 'piece', wire: { form: 'bytes', bytes: one } }) as const),
  text.map((one) => ({ kind: 'piece', wire: { form: 'text', text: one } }) as const),
  fc.json().map((one) => ({ kind: 'piece', wire: { form: 'json', text: one } }) as const),
  fc.constantFrom('end', 'failed', 'unshareable', 'cut').map((kind): FlightRecord => ({ kind })),
);

describe('a record of a flight', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(record, (written) => {
        expect(decodeRecord(encodeRecord(written))).toEqual(written);
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['an unknown letter', 'x'],
    ['a head that is none', 'h{"kind":"response"}'],
    ['a head of an unknown kind', 'h{"kind":"new","status":200,"headers":{},"origin":{}}'],
    ['a head without its end', 'h{"kind":"resp'],
    ['an empty head', 'h'],
  ])('that no version of ours has written is none: %s', (_what, written) => {
    expect(decodeRecord(Buffer.from(written))).toBeUndefined();
  });
});
