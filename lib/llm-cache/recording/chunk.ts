import { types } from 'node:util';
import { isPlainJson } from '../policy/storable.js';

/**
 * A piece of a body as the handler gave it: a text, bytes, or anything else, which goes out as
 * JSON.
 */
export type Chunk = unknown;

/** What a piece looks like on the wire. */
export type WireChunk =
  | { readonly form: 'text'; readonly text: string }
  | { readonly form: 'bytes'; readonly bytes: Buffer }
  | { readonly form: 'json'; readonly text: string };

/** Bytes of the blocks that copies are made in. */
const BLOCK = 4 * 1_024;

/** Copies of pieces beside each other: each in Node's pool would keep memory of others alive. */
export class Copies {
  #block = Buffer.alloc(0);
  #used = 0;

  of(bytes: Uint8Array): Buffer {
    const { length } = bytes;
    if (length > BLOCK / 4) return Buffer.from(bytes);
    if (this.#used + length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK);
      this.#used = 0;
    }
    const copy = this.#block.subarray(this.#used, this.#used + length);
    copy.set(bytes);
    this.#used += length;
    return copy;
  }
}

/**
 * A copy, because a handler may fill the same buffer or object again.
 *
 * @returns `undefined` for what JSON would change: class instances hide members from outer
 *   interceptors only while they are instances
 */
export function toWire(
  chunk: Chunk,
  copyOf: (bytes: Uint8Array) => Buffer = (bytes) => Buffer.from(bytes),
): WireChunk | undefined {
  if (typeof chunk === 'string') return { form: 'text', text: chunk };
  if (ArrayBuffer.isView(chunk)) {
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    return { form: 'bytes', bytes: copyOf(bytes) };
  }
  if (types.isAnyArrayBuffer(chunk)) return { form: 'bytes', bytes: Buffer.from(chunk.slice(0)) };
  return isPlainJson(chunk) ? { form: 'json', text: JSON.stringify(chunk) } : undefined;
}

/** A piece for one reader, who may do with it what it likes. */
export function fromWire(wire: WireChunk): Chunk {
  switch (wire.form) {
    case 'text':
      return wire.text;
    case 'bytes':
      return wire.bytes;
    case 'json':
      return JSON.parse(wire.text);
  }
}

export function bytesOf(wire: WireChunk): Buffer {
  return wire.form === 'bytes' ? wire.bytes : Buffer.from(wire.text);
}

export function sizeOf(wire: WireChunk): number {
  return wire.form === 'bytes' ? wire.bytes.length : Buffer.byteLength(wire.text);
}

/** Nobody reads on. Not awaited, and no error of it is anybody's: a source may be stuck or broken. */
export function stopReading(chunks: AsyncIterator<Chunk>): void {
  const stop = async (): Promise<unknown> => chunks.return?.();
  stop().catch(() => undefined);
}

/** A body of one piece. */
export async function* once(chunk: Chunk): AsyncGenerator {
  yield chunk;
}
