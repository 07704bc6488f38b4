import { createHash } from 'node:crypto';

/** Numbers in [0, 1) that are the same for the same content, on every machine. */
export type SeededRandom = () => number;

/** Seeds a mulberry32 generator with the SHA-256 of the content. */
export function seededRandom(...content: readonly string[]): SeededRandom {
  let state = createHash('sha256').update(JSON.stringify(content)).digest().readUInt32LE();
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One of the choices, which must not be empty. */
export function pick<T>(random: SeededRandom, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}
