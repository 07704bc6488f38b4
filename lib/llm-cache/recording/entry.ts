import { createHash, timingSafeEqual } from 'node:crypto';
import { isJsonObject } from '../json-object.js';

/** Largest entry that is written, header included. */
export const MAX_ENTRY_BYTES = 1024 * 1024;

const ENTRY_VERSION = 1;
const DIGEST_START = 1;
const HEADER_LENGTH_START = DIGEST_START + 32;
const HEADER_START = HEADER_LENGTH_START + 4;

/** A recorded answer. */
export interface Entry {
  /** Unix time of the recording. */
  readonly storedAtMs: number;
  readonly ttlMs: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body as JSON text. */
  readonly body: string;
}

/**
 * Layout: version (1 byte), SHA-256 of key and everything behind it (32), length of the header
 * (4, big endian), header as JSON, body.
 *
 * The digest covers the key, so that bytes which ended up under another key are no answer there.
 */
export function encodeEntry(key: string, { body, ...header }: Entry): Buffer {
  const headerBytes = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(HEADER_START);
  prefix.writeUInt8(ENTRY_VERSION, 0);
  prefix.writeUInt32BE(headerBytes.length, HEADER_LENGTH_START);
  const entry = Buffer.concat([prefix, headerBytes, Buffer.from(body)]);
  digestOf(key, entry).copy(entry, DIGEST_START);
  return entry;
}

/** `undefined` for an unknown version, another key's entry, or any flipped or missing byte. */
export function decodeEntry(key: string, bytes: Buffer): Entry | undefined {
  if (bytes.length < HEADER_START || bytes.readUInt8(0) !== ENTRY_VERSION) return undefined;
  const digest = bytes.subarray(DIGEST_START, HEADER_LENGTH_START);
  if (!timingSafeEqual(digest, digestOf(key, bytes))) return undefined;
  const bodyStart = HEADER_START + bytes.readUInt32BE(HEADER_LENGTH_START);
  if (bodyStart > bytes.length) return undefined;
  const header: unknown = JSON.parse(bytes.toString('utf8', HEADER_START, bodyStart));
  return isHeader(header) ? { ...header, body: bytes.toString('utf8', bodyStart) } : undefined;
}

function digestOf(key: string, entry: Buffer): Buffer {
  return createHash('sha256')
    .update(`${Buffer.byteLength(key)}:${key}`)
    .update(entry.subarray(HEADER_LENGTH_START))
    .digest();
}

function isHeader(header: unknown): header is Omit<Entry, 'body'> {
  return (
    isJsonObject(header) &&
    typeof header['storedAtMs'] === 'number' &&
    typeof header['ttlMs'] === 'number' &&
    typeof header['status'] === 'number' &&
    isJsonObject(header['headers']) &&
    Object.values(header['headers']).every((value) => typeof value === 'string')
  );
}
