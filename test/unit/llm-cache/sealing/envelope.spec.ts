import { createSecretKey, type KeyObject } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CODECS, type Packed } from '../../../../lib/llm-cache/sealing/compression.js';
import {
  openEnvelope,
  readEnvelope,
  writeEnvelope,
  type SealingKey,
} from '../../../../lib/llm-cache/sealing/envelope.js';

const CONTEXT = 'llm:v2:entry';
const PACKED: Packed = { codec: 'brotli', bytes: Buffer.from('Grüße 👋, these are packed bytes') };
const SEALING = sealingWith(7);

function sealingWith(byte: number): SealingKey {
  return { id: Buffer.alloc(4, byte), key: createSecretKey(Buffer.alloc(32, byte)) };
}

function open(context: string, bytes: Buffer, key?: KeyObject): Packed | undefined {
  const envelope = readEnvelope(bytes);
  return envelope && openEnvelope(context, envelope, key);
}

const anyPacked: fc.Arbitrary<Packed> = fc.record({
  codec: fc.constantFrom(...CODECS),
  bytes: fc.uint8Array({ maxLength: 3_000, size: 'max' }).map((bytes) => Buffer.from(bytes)),
});
/** Lone surrogates too. */
const anyContext = fc.string({ unit: 'binary' });

describe.each([
  ['encrypted', SEALING],
  ['not encrypted', undefined],
])('an envelope, %s', (_what, sealing) => {
  const sealed = writeEnvelope(CONTEXT, PACKED, sealing);

  it('opens to what was put in, in its own context only', () => {
    fc.assert(
      fc.property(anyPacked, anyContext, anyContext, (packed, context, other) => {
        const bytes = writeEnvelope(context, packed, sealing);
        expect(readEnvelope(bytes)?.keyId).toEqual(sealing?.id);
        expect(open(context, bytes, sealing?.key)).toEqual(packed);
        expect(open(other, bytes, sealing?.key) !== undefined).toBe(other === context);
      }),
    );
  });

  it('tells contexts apart that UTF-8 does not', () => {
    const bytes = writeEnvelope('\ud800', PACKED, sealing);
    expect(open('\ud800', bytes, sealing?.key)).toEqual(PACKED);
    expect(open('\ud801', bytes, sealing?.key)).toBeUndefined();
  });

  it('does not open with any bit flipped', () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(open(CONTEXT, flipped, sealing?.key)).toBeUndefined();
    }
  });

  it('does not open when bytes are missing or added', () => {
    for (let length = 0; length < sealed.length; length++) {
      expect(open(CONTEXT, sealed.subarray(0, length), sealing?.key)).toBeUndefined();
      expect(open(CONTEXT, sealed.subarray(length + 1), sealing?.key)).toBeUndefined();
    }
    expect(open(CONTEXT, Buffer.concat([sealed, Buffer.of(0)]), sealing?.key)).toBeUndefined();
  });

  it('does not open as what it is not', () => {
    const other = sealing === undefined ? SEALING.key : undefined;
    expect(open(CONTEXT, sealed, other)).toBeUndefined();
  });

  it('takes few bytes', () => {
    expect(sealed.length - PACKED.bytes.length).toBe(sealing === undefined ? 17 : 33);
  });
});

describe('an encrypted envelope', () => {
  it('does not open with another key, or as if another had sealed it', () => {
    const bytes = writeEnvelope(CONTEXT, PACKED, SEALING);
    expect(open(CONTEXT, bytes, sealingWith(8).key)).toBeUndefined();
    const renamed = Buffer.from(bytes);
    sealingWith(8).id.copy(renamed, 1);
    expect(open(CONTEXT, renamed, SEALING.key)).toBeUndefined();
  });

  it('is other bytes every time, and shows nothing of its content', () => {
    const bytes = writeEnvelope(CONTEXT, PACKED, SEALING);
    expect(bytes.equals(writeEnvelope(CONTEXT, PACKED, SEALING))).toBe(false);
    expect(bytes.includes(PACKED.bytes.subarray(0, 6))).toBe(false);
    expect(bytes.includes(CONTEXT)).toBe(false);
  });
});

describe('bytes that are no envelope', () => {
  it('do not open, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(open(CONTEXT, Buffer.from(bytes))).toBeUndefined();
        expect(open(CONTEXT, Buffer.from(bytes), SEALING.key)).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('do not open, with an unknown version or codec', () => {
    for (let head = 0; head < 256; head++) {
      const bytes = writeEnvelope(CONTEXT, PACKED);
      const isIts = bytes.readUInt8() === head;
      bytes.writeUInt8(head);
      expect(open(CONTEXT, bytes) !== undefined).toBe(isIts);
    }
  });
});
