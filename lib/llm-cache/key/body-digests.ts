import { LRUCache } from 'lru-cache';
import { bodyDigest } from './body-digest.js';
import { copyOf, isSame, shapeOf } from './body-shape.js';
import type { OmittedFields } from './canonical-json.js';

/** Code units of text that are kept, in all bodies together. */
const MAX_LENGTH = 8 * 1024 * 1024;
/** Prints of bodies that have come once; a power of two. */
const ONCE = 16_384;

interface KnownBody {
  readonly body: unknown;
  readonly digest: string;
}

/**
 * Digests of bodies, which are made once for equal ones. To tell that two bodies are equal takes a
 * small part of the time of a digest, and does not depend on what somebody has made of the bytes.
 */
export class BodyDigests {
  readonly #known = new LRUCache<string, KnownBody>({ maxSize: MAX_LENGTH });
  /** Most bodies never come again: to keep them all would keep the garbage collector busy. */
  readonly #once = new Int32Array(ONCE);

  /**
   * @param rules names what is omitted
   * @returns `undefined` if the body has no canonical text
   */
  async digestOf(
    body: unknown,
    rules: string,
    omitted: OmittedFields | undefined,
  ): Promise<string | undefined> {
    const shape = shapeOf(body);
    if (shape === undefined) return bodyDigest(body, omitted);
    const name = `${rules}:${shape.print}`;
    const known = this.#known.get(name);
    if (known !== undefined && isSame(known.body, body)) return known.digest;
    // Before anything is awaited: the body belongs to others.
    const copy = copyOf(body);
    const digest = await bodyDigest(copy, omitted);
    if (digest !== undefined && this.#hasCome(shape.print)) {
      this.#known.set(name, { body: copy, digest }, { size: shape.size });
    }
    return digest;
  }

  #hasCome(print: number): boolean {
    const place = print & (ONCE - 1);
    const hasCome = this.#once[place] === print;
    this.#once[place] = print;
    return hasCome;
  }
}
