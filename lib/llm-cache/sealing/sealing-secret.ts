import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import type { SealingKey } from './envelope.js';

const LABEL = 'nestjs-azure-redis llm-cache sealing v1';

/** What is derived from one of the user's secrets, each for one purpose (HKDF, RFC 5869). */
export class SealingSecret {
  /** Public; 4 bytes. */
  readonly id: Buffer;
  readonly #secret: KeyObject;
  readonly #namingKey: KeyObject;

  constructor(secret: string) {
    this.#secret = createSecretKey(Buffer.from(secret));
    this.id = this.#derive('key id', 4);
    this.#namingKey = createSecretKey(this.#derive('names', 32));
  }

  /**
   * A name that tells nothing, and cannot be confirmed by who guesses what it stands for.
   *
   * @param kind names of different kinds are different, whatever they stand for
   */
  nameOf(kind: 'name' | 'salt', text: string): string {
    // As JSON, because hashing replaces lone surrogates: two names must not become one.
    const hash = createHmac('sha256', this.#namingKey).update(JSON.stringify([kind, text]));
    return hash.digest('base64url');
  }

  /** Who has no copy of the salt cannot have this key again. */
  keyFor(principal: string, salt: Buffer): SealingKey {
    // A digest, because HKDF of Node takes no more than 1 KiB.
    const digest = createHash('sha256').update(JSON.stringify(principal)).digest('base64url');
    return { id: this.id, key: createSecretKey(this.#derive(`principal ${digest}`, 32, salt)) };
  }

  #derive(purpose: string, length: number, salt: Buffer = Buffer.alloc(0)): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#secret, salt, `${LABEL} ${purpose}`, length));
  }
}
