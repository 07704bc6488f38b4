import type { ScriptStore } from '../../store/script-store.interface.js';
import { pack, unpack, type Packed } from './compression.js';
import { openEnvelope, readEnvelope, writeEnvelope, type Envelope } from './envelope.js';
import { PrincipalKeys, type Owner } from './principal-keys.js';
import { Salts } from './salts.js';
import type { Sealer } from './sealer.interface.js';
import { SealingSecret } from './sealing-secret.js';

export interface VaultOptions {
  /**
   * The first one seals, all of them open; each at least 32 bytes. None: nothing is encrypted.
   * Processes must know a new secret as a further one before any seals with it.
   */
  readonly secrets: readonly string[];
  /** What is larger is compressed, where that makes it smaller. `Infinity`: nothing. */
  readonly compressAboveBytes: number;
}

/** Compression, and encryption at rest, of what the LLM cache keeps in Redis. */
export class Vault {
  /** That of the current secret first; empty without encryption. */
  readonly #keys: readonly PrincipalKeys[];
  readonly #compressAboveBytes: number;

  constructor(store: ScriptStore, { secrets, compressAboveBytes }: VaultOptions) {
    const salts = new Salts(store);
    this.#keys = secrets.map((secret) => new PrincipalKeys(new SealingSecret(secret), salts));
    this.#compressAboveBytes = compressAboveBytes;
  }

  /**
   * The names under which something is kept in Redis: the first one for writing, all for finding.
   * With encryption they tell nothing of what they stand for.
   */
  namesOf(name: string): readonly [string, ...string[]] {
    const [first, ...others] = this.#keys.map(({ secret }) => `llm:${secret.nameOf('name', name)}`);
    return first === undefined ? [name] : [first, ...others];
  }

  /**
   * @param epoch what this process remembers of the principal counts for one epoch only. A new one
   *   begins after {@link Vault.erase}, not before: until then a process may still read the salt
   */
  sealerFor(principal: string, epoch: string): Sealer {
    const owner = { principal, epoch };
    return {
      seal: (context, bytes) => this.#seal(owner, context, bytes),
      open: (context, sealed) => this.#open(owner, context, sealed),
    };
  }

  /**
   * Makes worthless whatever was sealed for the principal with the secrets of this vault. Other
   * processes may open it until their epoch changes.
   *
   * @returns whether Redis confirmed that no salt is left; without encryption there is none
   */
  async erase(principal: string): Promise<boolean> {
    const erased = await Promise.all(this.#keys.map((keys) => keys.erase(principal)));
    return !erased.includes(false);
  }

  async #seal(owner: Owner, context: string, bytes: Buffer): Promise<Buffer | undefined> {
    const [current] = this.#keys;
    const sealing = await current?.forSealing(owner);
    if (current !== undefined && sealing === undefined) return undefined;
    return writeEnvelope(context, await pack(bytes, this.#compressAboveBytes), sealing);
  }

  async #open(owner: Owner, context: string, sealed: Buffer): Promise<Buffer | undefined> {
    const envelope = readEnvelope(sealed);
    const packed = envelope && (await this.#unlock(owner, context, envelope));
    return packed && unpack(packed);
  }

  async #unlock(owner: Owner, context: string, envelope: Envelope): Promise<Packed | undefined> {
    const { keyId } = envelope;
    // With encryption nothing else counts: anybody who can write to Redis could have made it.
    if (keyId === undefined && this.#keys.length > 0) return undefined;
    if (keyId === undefined) return openEnvelope(context, envelope);
    const keys = this.#keys.find(({ secret }) => secret.id.equals(keyId));
    const known = keys?.remembered(owner);
    const packed = known && openEnvelope(context, envelope, known.key);
    if (packed !== undefined) return packed;
    // Also if one is remembered: Redis may have evicted it, and another process made a new one.
    const read = await keys?.read(owner);
    return read && openEnvelope(context, envelope, read.key);
  }
}
