import * as fc from 'fast-check';
import type { EmbeddingItem } from '../../../../lib/llm-cache/embeddings/embedding-request.js';

/** Every finite float32 alike, the tiny and the huge too. */
export const anyFloat32: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: 0xffff_ffff }).map(floatOfBits).filter(Number.isFinite),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -1, max: 1 }),
);

/** Few enough that a list has duplicates. */
const anyText = fc.oneof(fc.constantFrom('', 'a', 'b', '[1]', '1'), fc.string({ maxLength: 3 }));
const anyTokens = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 });

export const anyInputs: fc.Arbitrary<readonly unknown[]> = fc.oneof(
  fc.array(anyText, { minLength: 1, maxLength: 12 }),
  fc.array(anyTokens, { minLength: 1, maxLength: 12 }),
);

export function bytesOf(numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  for (const [place, number] of numbers.entries()) bytes.writeFloatLE(number, place * 4);
  return bytes;
}

/** Derives from the input alone, so that a vector tells whose it is. */
export function vectorOf(input: unknown): number[] {
  const text = JSON.stringify(input);
  return [text.length, ...Buffer.from(text.padEnd(24).slice(0, 24))].map((byte) => byte / 255);
}

/** What a provider answers, as JSON. */
export function answerTo(inputs: readonly unknown[], more: object = {}): Record<string, unknown> {
  const answer = {
    object: 'list',
    data: inputs.map((input, index) => ({
      object: 'embedding',
      index,
      embedding: vectorOf(input),
    })),
    model: 'text-embedding-3-small',
    usage: { prompt_tokens: inputs.length, total_tokens: inputs.length },
    ...more,
  };
  return JSON.parse(JSON.stringify(answer));
}

export function inputsOf(items: readonly EmbeddingItem[]): readonly unknown[] {
  return items.map(({ input }) => input);
}

function floatOfBits(bits: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(bits);
  return bytes.readFloatLE();
}
