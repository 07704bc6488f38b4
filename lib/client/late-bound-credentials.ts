import { inspect } from 'node:util';
import type { EntraTokenManager } from '../token/entra-token-manager.js';

/**
 * Stands where ioredis expects a string. ioredis turns it into text when it writes HELLO or
 * AUTH, so every handshake of every connection made from these options — reconnects,
 * duplicates, cluster nodes, subscribers — sends what is current then. And `inspect(options)`
 * has no token to show.
 */
class LateBound {
  readonly #read: () => string;

  constructor(read: () => string) {
    this.#read = read;
  }

  toString(): string {
    return this.#read();
  }

  toJSON(): string {
    return '[set when connecting]';
  }

  [inspect.custom](): string {
    return this.toJSON();
  }
}

/**
 * `username` and `password` for ioredis options. Without a token both are empty, which Redis
 * refuses; the gate keeps connections from getting that far.
 */
export function lateBoundCredentials(tokens: EntraTokenManager): {
  username: string;
  password: string;
} {
  const lateBound = (read: () => string): string =>
    // ioredis declares strings and converts whatever it is given (Command#stringifyArguments).
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    new LateBound(read) as unknown as string;
  return {
    username: lateBound(() => tokens.current?.username ?? ''),
    password: lateBound(() => tokens.current?.reveal() ?? ''),
  };
}
