import { createHash, timingSafeEqual } from 'node:crypto';
import { isJsonObject } from '../json-object.js';
import type { TokenUsage } from '../protocols/llm-protocol.interface.js';
import { isOriginatedHead, type OriginatedHead } from './answer.js';

const ENTRY_VERSION = 4;
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

/** Of each frame its form, length, atMs and the place of its personal ranges in their table. */
type FrameTable = readonly number[];

const COLUMNS = 4;

/** Start, end and kind of each range: those of nearly all frames of a stream are the same. */
type RangesTable = readonly (readonly number[])[];

interface Header extends Omit<Entry, 'frames'> {
  readonly frames: FrameTable;
  readonly ranges: RangesTable;
}

/**
 * Layout: version (1 byte), SHA-256 of key and everything behind it (32), length of the header
 * (4, big endian), header as JSON, the bytes of the frames.
 *
 * The digest covers the key, so that bytes which ended up under another key are no answer there.
 */
export function encodeEntry(key: string, { frames, ...rest }: Entry): Buffer {
  const header: Header = { ...rest, ...toTables(frames) };
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
  const { frames: table, ranges, ...rest } = header;
  const frames = readFrames(table, ranges.map(readPersonal), bytes.subarray(bodyStart));
  return frames && { ...rest, frames };
}

function toTables(frames: readonly Frame[]): Pick<Header, 'frames' | 'ranges'> {
  const numbers = new Map<string, number>();
  const table = frames.flatMap(({ form, bytes, atMs, personal }) => {
    const ranges = JSON.stringify(
      personal.flatMap(({ start, end, kind }) => [start, end, PERSONAL_KINDS.indexOf(kind)]),
    );
    const number = numbers.get(ranges) ?? numbers.size;
    numbers.set(ranges, number);
    return [FORMS.indexOf(form), bytes.length, atMs, number];
  });
  return { frames: table, ranges: [...numbers.keys()].map((ranges) => JSON.parse(ranges)) };
}

function readFrames(
  table: FrameTable,
  ranges: readonly (readonly PersonalRange[])[],
  body: Buffer,
): Frame[] | undefined {
  const frames: Frame[] = [];
  let start = 0;
  for (let at = 0; at < table.length; at += COLUMNS) {
    const end = start + (table[at + 1] ?? 0);
    const form = FORMS[table[at] ?? -1];
    const personal = ranges[table[at + 3] ?? -1];
    if (form === undefined || personal === undefined) return undefined;
    frames.push({ form, bytes: body.subarray(start, end), atMs: table[at + 2] ?? 0, personal });
    start = end;
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
    isListOfNumbers(header['frames']) &&
    Array.isArray(header['ranges']) &&
    header['ranges'].every(isListOfNumbers)
  );
}

const isListOfNumbers = (list: unknown): boolean =>
  Array.isArray(list) && list.every((item) => typeof item === 'number');
