import type { AcceptedToken } from '../entra/token-issuer.js';
import type { ClientCommand } from './command-splitter.js';

/** The user name and password of an AUTH, or of a HELLO that has one. */
export interface Attempt {
  readonly username: string;
  readonly password: string;
  /** The same command with another password. */
  withPassword(password: string): Buffer;
  /** The same command without user name and password; AUTH has nothing left. */
  withoutCredentials(): Buffer | undefined;
}

/** Judges a token that a client presents. */
export type Judge = (token: string, username: string) => AcceptedToken | undefined;

/** `undefined` when the command does not authenticate, or is one that Redis will refuse itself. */
export function readAttempt(command: ClientCommand, name: string): Attempt | undefined {
  if (name === 'AUTH') return readAuth(command.args());
  return name === 'HELLO' ? readHello(command.args()) : undefined;
}

function readAuth(args: readonly Buffer[]): Attempt | undefined {
  if (args.length === 0 || args.length > 2) return undefined;
  const [password = '', username = 'default'] = args.map(String).toReversed();
  return {
    username,
    password,
    withPassword: (other) => encodeCommand(['AUTH', username, other]),
    withoutCredentials: () => undefined,
  };
}

/** `HELLO protocol [AUTH username password] [SETNAME name]`, options in any order. */
function readHello(args: readonly Buffer[]): Attempt | undefined {
  const words = args.map(String);
  let at = 1;
  while (at < words.length && words[at]?.toUpperCase() !== 'AUTH') at += 2;
  const [, username, password] = words.slice(at, at + 3);
  if (username === undefined || password === undefined) return undefined;
  const before = words.slice(0, at);
  const after = words.slice(at + 3);
  return {
    username,
    password,
    withPassword: (other) => encodeCommand(['HELLO', ...before, 'AUTH', username, other, ...after]),
    withoutCredentials: () => encodeCommand(['HELLO', ...before, ...after]),
  };
}

export function encodeCommand(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}

/** A command that makes Redis answer with this error, in its turn among the other replies. */
export const encodeError = (message: string): Buffer =>
  encodeCommand(['EVAL', 'return redis.error_reply(ARGV[1])', '0', message]);

/** A command that makes Redis answer `OK`. */
export const encodeOk = (): Buffer =>
  encodeCommand(['EVAL', "return redis.status_reply('OK')", '0']);
