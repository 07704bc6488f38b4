import { randomBytes } from 'node:crypto';
import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';

const PADDED_LENGTH = 16;

/**
 * A random member that fills each piece of a stream up, against readers of packet sizes; none with
 * `stream_options.include_obfuscation: false`.
 */
export function obfuscation({ stream_options: options }: Json, piece: string): object {
  if (isJsonObject(options) && options.include_obfuscation === false) return {};
  const padding = randomBytes(PADDED_LENGTH).toString('base64url');
  return { obfuscation: padding.slice(0, PADDED_LENGTH - (piece.length % PADDED_LENGTH)) };
}
