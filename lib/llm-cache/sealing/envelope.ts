import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CODECS, type Packed } from './compression.js';

const VERSION = 1;
const CIPHER = 'aes-256-gcm';
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NONCE_START = 1 + KEY_ID_BYTES;

export interface SealingKey {
  /** Public: says which secret it takes to open an envelope; 4 bytes. */
  readonly id: Buffer;
  readonly key: KeyObject;
}

/** The parts of sealed bytes, as they are: nothing is verified yet. */
export interface Envelope {
  readonly codec: Packed['codec'];
  /** `undefined`: not encrypted. */
  readonly keyId: Buffer | undefined;
  /** Head byte and key id. */
  readonly head: Buffer;
  readonly nonce: Buffer;
  readonly content: Buffer;
  readonly tag: Buffer;
}

/**
 * Layout: version, codec and whether it is encrypted (1 byte: 4, 3 and 1 bits), of encrypted ones
 * the key id (4) and the nonce (12), then the content and its tag (16). The tag is that of AES-GCM,
 * or without encryption the beginning of a SHA-256.
 *
 * The tag covers `context`, so that bytes which ended up elsewhere do not open there.
 */
export function writeEnvelope(context: string, packed: Packed, sealing?: SealingKey): Buffer {
  const isEncrypted = sealing === undefined ? 0 : 1;
  const headByte = (VERSION << 4) | (CODECS.indexOf(packed.codec) << 1) | isEncrypted;
  if (sealing === undefined) {
    const head = Buffer.of(headByte);
    return Buffer.concat([head, packed.bytes, checksum(head, context, packed.bytes)]);
  }
  const head = Buffer.concat([Buffer.of(headByte), sealing.id]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, sealing.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(covered(head, context));
  const content = [cipher.update(packed.bytes), cipher.final()];
  return Buffer.concat([head, nonce, ...content, cipher.getAuthTag()]);
}

/** `undefined` for bytes that are no envelope, or one of an unknown version. */
export function readEnvelope(bytes: Buffer): Envelope | undefined {
  const headByte = bytes.length === 0 ? 0 : bytes.readUInt8();
  const codec = CODECS[(headByte >> 1) & 0b111];
  if (headByte >> 4 !== VERSION || codec === undefined) return undefined;
  const isEncrypted = (headByte & 1) === 1;
  const headEnd = isEncrypted ? NONCE_START : 1;
  const contentStart = isEncrypted ? NONCE_START + NONCE_BYTES : 1;
  const contentEnd = bytes.length - TAG_BYTES;
  if (contentEnd < contentStart) return undefined;
  return {
    codec,
    keyId: isEncrypted ? bytes.subarray(1, NONCE_START) : undefined,
    head: bytes.subarray(0, headEnd),
    nonce: bytes.subarray(headEnd, contentStart),
    content: bytes.subarray(contentStart, contentEnd),
    tag: bytes.subarray(contentEnd),
  };
}

/** `undefined` for another context or key, and for any flipped or missing byte. */
export function openEnvelope(
  context: string,
  { codec, head, nonce, content, tag }: Envelope,
  key?: KeyObject,
): Packed | undefined {
  const isEncrypted = nonce.length > 0;
  if (isEncrypted !== (key !== undefined)) return undefined;
  if (key === undefined) {
    return checksum(head, context, content).equals(tag) ? { codec, bytes: content } : undefined;
  }
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(covered(head, context)).setAuthTag(tag);
  try {
    // The bytes are not known to be genuine before `final()`, which throws if they are not.
    return { codec, bytes: Buffer.concat([decipher.update(content), decipher.final()]) };
  } catch {
    return undefined;
  }
}

/** What is not in the content; as JSON, because UTF-8 has no lone surrogates to tell names apart. */
function covered(head: Buffer, context: string): Buffer {
  const text = Buffer.from(JSON.stringify(context));
  return Buffer.concat([head, Buffer.from(`${text.length}:`), text]);
}

function checksum(head: Buffer, context: string, content: Buffer): Buffer {
  const digest = createHash('sha256').update(covered(head, context)).update(content).digest();
  return digest.subarray(0, TAG_BYTES);
}
