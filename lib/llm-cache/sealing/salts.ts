import { randomBytes } from 'node:crypto';
import {
  redisScript,
  type ScriptReply,
  type ScriptStore,
} from '../../store/script-store.interface.js';

const SALT_BYTES = 32;

/** How long a salt is kept that nothing is sealed with any more: longer than any sane entry. */
export const SALT_LIFETIME_MS = 366 * 24 * 60 * 60 * 1000;

const READ = redisScript(`return redis.call('GET', KEYS[1])`);

/** Of several processes that come at once, all get the salt of the first. */
const READ_OR_CREATE = redisScript(`
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ARGV[1] end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('GET', KEYS[1])`);

const ERASE = redisScript(`return redis.call('UNLINK', KEYS[1])`);

/** The random part of every key, which is in Redis and nowhere else, so that it can be erased. */
export class Salts {
  readonly #store: ScriptStore;

  constructor(store: ScriptStore) {
    this.#store = store;
  }

  /**
   * @returns `undefined` if there is none
   * @throws Error when Redis is in trouble: nobody knows then
   */
  async read(name: string): Promise<Buffer | undefined> {
    const reply = await this.#store.runScript('read', READ, [name], []);
    if (reply === undefined) throw new Error('Redis did not tell the salt.');
    return saltIn(reply);
  }

  /**
   * Its lifetime begins anew.
   *
   * @returns `undefined` when Redis is in trouble
   */
  async readOrCreate(name: string): Promise<Buffer | undefined> {
    // Fresh bytes every time: a salt that was erased must not come back.
    const args = [randomBytes(SALT_BYTES), SALT_LIFETIME_MS];
    return saltIn(await this.#store.runScript('write', READ_OR_CREATE, [name], args));
  }

  /** @returns whether Redis confirmed that it is gone */
  async erase(name: string): Promise<boolean> {
    return (await this.#store.runScript('write', ERASE, [name], [])) !== undefined;
  }
}

function saltIn(reply: ScriptReply | undefined): Buffer | undefined {
  return Buffer.isBuffer(reply) && reply.length === SALT_BYTES ? reply : undefined;
}
