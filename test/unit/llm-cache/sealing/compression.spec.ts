import { constants, brotliCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_UNPACKED_BYTES, pack, unpack } from '../../../../lib/llm-cache/sealing/compression.js';

const text = (length: number) =>
  Buffer.from('data: {"delta":"Hi"}\n'.repeat(length).slice(0, length));

function compressFast(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } });
}

/** Bytes that compression makes smaller, larger, and leaves alone. */
const anyBytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 5_000, size: 'max' }),
    fc.nat({ max: 20_000 }).map(text),
    fc.nat({ max: 20_000 }).map((length) => new Uint8Array(length)),
  )
  .map((bytes) => Buffer.from(bytes));

describe('packed bytes', () => {
  it('come back, whatever they are and from whichever size on they are compressed', async () => {
    const anyLimit = fc.oneof(fc.nat({ max: 6_000 }), fc.constant(Infinity));
    await fc.assert(
      fc.asyncProperty(anyBytes, anyLimit, async (bytes, aboveBytes) => {
        const packed = await pack(bytes, aboveBytes);
        expect(packed.bytes.length).toBeLessThanOrEqual(bytes.length);
        expect((await unpack(packed))?.equals(bytes)).toBe(true);
      }),
    );
  });

  it.each([
    ['brotli', 2_049, 2_048],
    ['none', 2_048, 2_048],
    ['none', 100_000, Infinity],
    ['brotli', 100, 0],
    ['none', 0, 0],
  ])('are of codec %s at %d bytes, compressed above %d', async (codec, length, aboveBytes) => {
    const packed = await pack(text(length), aboveBytes);
    expect(packed.codec).toBe(codec);
    expect(packed.bytes.length < length / 2).toBe(codec === 'brotli');
  });

  it('are left alone where compression does not make them smaller', async () => {
    const compressed = (await pack(text(100_000), 0)).bytes;
    expect(await pack(compressed, 0)).toEqual({ codec: 'none', bytes: compressed });
  });

  it('are nothing when any of the end is missing', async () => {
    const { bytes } = await pack(text(4_000), 0);
    for (let length = 0; length < bytes.length; length++) {
      expect(await unpack({ codec: 'brotli', bytes: bytes.subarray(0, length) })).toBeUndefined();
    }
  });

  it('are nothing when they are not of their codec', async () => {
    expect(
      await unpack({ codec: 'brotli', bytes: Buffer.from('{"no":"brotli"}') }),
    ).toBeUndefined();
  });

  it('may become 64 MiB, and no byte more', async () => {
    const most = compressFast(Buffer.alloc(MAX_UNPACKED_BYTES));
    expect((await unpack({ codec: 'brotli', bytes: most }))?.length).toBe(MAX_UNPACKED_BYTES);
    const bomb = compressFast(Buffer.alloc(MAX_UNPACKED_BYTES + 1));
    expect(bomb.length).toBeLessThan(MAX_UNPACKED_BYTES / 1_000);
    expect(await unpack({ codec: 'brotli', bytes: bomb })).toBeUndefined();
  });

  it('are never such that they could not be unpacked', async () => {
    const packed = await pack(Buffer.alloc(MAX_UNPACKED_BYTES + 1), 0);
    expect(packed.codec).toBe('none');
  });
});
