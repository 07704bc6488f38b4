import type { SealingKey } from './envelope.js';
import { RecentMap } from './recent-map.js';
import type { Salts } from './salts.js';
import type { SealingSecret } from './sealing-secret.js';

/** Principals whose keys a process remembers, for each secret. */
const MAX_KEYS = 10_000;

/**
 * How often a salt gets its full lifetime again while it is used for sealing. So often, because a
 * Redis that is full evicts what nobody asks for.
 */
export const RENEWAL_MS = 60_000;

/** Whose key, and at which state of Redis it was asked for. */
export interface Owner {
  readonly principal: string;
  readonly epoch: string;
}

interface RememberedKey extends SealingKey {
  readonly epoch: string;
  /** Monotonic; `-Infinity` when nothing was sealed with it yet. */
  readonly renewedAtMs: number;
}

/** The keys of all principals under one secret. */
export class PrincipalKeys {
  readonly secret: SealingSecret;
  readonly #salts: Salts;
  /** By name of the salt. */
  readonly #remembered = new RecentMap<RememberedKey>(MAX_KEYS);
  /** Who comes meanwhile waits for the same answer; each comes within the deadline of the store. */
  readonly #questions = new Map<string, Promise<SealingKey | undefined>>();

  constructor(secret: SealingSecret, salts: Salts) {
    this.secret = secret;
    this.#salts = salts;
  }

  /** The key that this process has got before, in the same epoch. */
  remembered({ principal, epoch }: Owner): RememberedKey | undefined {
    const name = this.#nameOf(principal);
    const known = this.#remembered.get(name);
    if (known?.epoch === epoch) return known;
    // Its salt may have been erased; then it must be nowhere.
    this.#remembered.delete(name);
    return undefined;
  }

  /**
   * @returns `undefined` if there is no salt
   * @throws Error when Redis is in trouble
   */
  read(owner: Owner): Promise<SealingKey | undefined> {
    return this.#ask('read', owner, -Infinity);
  }

  /** @returns `undefined` when Redis is in trouble */
  async forSealing(owner: Owner): Promise<SealingKey | undefined> {
    const now = performance.now();
    const known = this.remembered(owner);
    if (known !== undefined && now - known.renewedAtMs < RENEWAL_MS) return known;
    return this.#ask('readOrCreate', owner, now);
  }

  /** @returns whether Redis confirmed that the salt is gone */
  async erase(principal: string): Promise<boolean> {
    const name = this.#nameOf(principal);
    const isErased = await this.#salts.erase(name);
    // Afterwards: Redis answers in order, so that no older answer is still under way.
    this.#remembered.delete(name);
    return isErased;
  }

  #nameOf(principal: string): string {
    return `llm:salt:${this.secret.nameOf('salt', principal)}`;
  }

  #ask(
    what: 'read' | 'readOrCreate',
    { principal, epoch }: Owner,
    renewedAtMs: number,
  ): Promise<SealingKey | undefined> {
    const name = this.#nameOf(principal);
    const question = JSON.stringify([what, name, epoch]);
    const asked = this.#questions.get(question);
    if (asked !== undefined) return asked;
    const asking = this.#salts[what](name);
    const answer = asking
      .then((salt) => {
        const key = salt && this.secret.keyFor(principal, salt);
        if (key !== undefined) this.#remembered.set(name, { ...key, epoch, renewedAtMs });
        return key;
      })
      .finally(() => this.#questions.delete(question));
    this.#questions.set(question, answer);
    return answer;
  }
}
