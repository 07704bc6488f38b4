import { createHash, timingSafeEqual } from 'node:crypto';
import { isJsonObject } from '../json-object.js';
import type { TokenUsage } from '../protocols/llm-protocol.interface.js';
import { isOriginatedHead, type OriginatedHead } from './answer.js';

const ENTRY_VERSION = 3;
const DIGEST_START = 1;
const HEADER_LENGTH_START = DIGEST_START + 32;
const HEADER_START = HEADER_LENGTH_START + 4;

/** Part of a frame that each caller gets anew: an id, Unix seconds, or random padding. */
export interface PersonalRange {
  readonly start: number;
  readonly end: number;
  readonly kind: 'id' | 'time' | 'padding';
}

/** A piece of the body as it is replayed. */
export interface Frame {
  /** `event`: the meta data of an `@Sse()` event as JSON, a line feed, its data. */
  readonly form: 'text' | 'bytes' | 'json' | 'event';
  readonly bytes: Buffer;
  /** Milliseconds since the beginning of the body. */
  readonly atMs: number;
  readonly personal: readonly PersonalRange[];
}

/** A recorded answer. */
export interface Entry {
  /** Unix time of the recording. */
  readonly storedAtMs: number;
  /** How long it is fresh, from then on. */
  readonly ttlMs: number;
  /** From the call to the end of its answer, in milliseconds. */
  readonly tookMs: number;
  /** What the answer tells of it. */
  readonly usage: TokenUsage;
  readonly head: OriginatedHead;
  readonly frames: readonly Frame[];
}

const FORMS = ['text', 'bytes', 'json', 'event'] as const;
const PERSONAL_KINDS = ['id', 'time', 'padding'] as const;

/** A frame without its bytes: form, length, atMs, then start, end and kind of each personal range. */
type FrameRow = readonly number[];

interface Header extends Omit<Entry, 'frames'> {
  readonly frames: readonly FrameRow[];
}

/**
 * Layout: version (1 byte), SHA-256 of key and everything behind it (32), length of the header
 * (4, big endian), header as JSON, the bytes of the frames.
 *
 * The digest covers the key, so that bytes which ended up under another key are no answer there.
 */
export function encodeEntry(key: string, { frames, ...rest }: Entry): Buffer {
  const header: Header = { ...rest, frames: frames.map(toRow) };
  const headerBytes = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(HEADER_START);
  prefix.writeUInt8(ENTRY_VERSION, 0);
  prefix.writeUInt32BE(headerBytes.length, HEADER_LENGTH_START);
  const entry = Buffer.concat([prefix, headerBytes, ...frames.map(({ bytes }) => bytes)]);
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
  if (!isHeader(header)) return undefined;
  const frames = readFrames(header.frames, bytes.subarray(bodyStart));
  return frames && { ...header, frames };
}

function toRow({ form, bytes, atMs, personal }: Frame): FrameRow {
  const ranges = personal.flatMap(({ start, end, kind }) => [
    start,
    end,
    PERSONAL_KINDS.indexOf(kind),
  ]);
  return [FORMS.indexOf(form), bytes.length, atMs, ...ranges];
}

function readFrames(rows: readonly FrameRow[], body: Buffer): Frame[] | undefined {
  const frames: Frame[] = [];
  let start = 0;
  for (const [form = -1, length = 0, atMs = 0, ...ranges] of rows) {
    const knownForm = FORMS[form];
    if (knownForm === undefined) return undefined;
    frames.push({
      form: knownForm,
      bytes: body.subarray(start, start + length),
      atMs,
      personal: readPersonal(ranges),
    });
    start += length;
  }
  return start === body.length ? frames : undefined;
}

function readPersonal(numbers: readonly number[]): PersonalRange[] {
  const ranges: PersonalRange[] = [];
  for (let index = 0; index < numbers.length; index += 3) {
    const [start = 0, end = 0, kind = 0] = numbers.slice(index, index + 3);
    ranges.push({ start, end, kind: PERSONAL_KINDS[kind] ?? 'id' });
  }
  return ranges;
}

function digestOf(key: string, entry: Buffer): Buffer {
  return createHash('sha256')
    .update(`${Buffer.byteLength(key)}:${key}`)
    .update(entry.subarray(HEADER_LENGTH_START))
    .digest();
}

/** The digest has been checked: this tells apart what an older or newer version has written. */
function isHeader(header: unknown): header is Header {
  return (
    isJsonObject(header) &&
    typeof header['storedAtMs'] === 'number' &&
    typeof header['ttlMs'] === 'number' &&
    typeof header['tookMs'] === 'number' &&
    isJsonObject(header['usage']) &&
    isOriginatedHead(header['head']) &&
    Array.isArray(header['frames']) &&
    header['frames'].every(
      (row) => Array.isArray(row) && row.every((item) => typeof item === 'number'),
    )
  );
}
