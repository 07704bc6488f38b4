import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LlmCachePacing } from '../../options/llm-cache-options.interface.js';
import { newReplay, timeOfReplay } from '../resuming/event-position.js';
import type { Chunk } from './chunk.js';
import { putEventTogether } from './emitted-event.js';
import type { Frame, PersonalRange } from './entry.js';

export interface ReplayOptions {
  readonly pacing: LlmCachePacing;
  /** Ids and times as they were recorded, instead of fresh ones. */
  readonly verbatim: boolean;
  /** Names the replay: another one of this name has the same fresh values. */
  readonly name?: string | undefined;
  /**
   * Whether frames that are due at once may go out together: to send each by itself takes longer
   * than all the rest.
   *
   * @default false
   */
  readonly inBlocks?: boolean;
}

/** After which a block is sent. */
const BLOCK_BYTES = 16_384;

/** The pieces of a recorded body, for one caller, who may leave in a pause. */
export function replay(
  frames: readonly Frame[],
  options: ReplayOptions,
): AsyncIterableIterator<Chunk> {
  const left = new AbortController();
  const pieces = replayUntil(left.signal, frames, options);
  const iterator: AsyncIterableIterator<Chunk> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => pieces.next(),
    return: async () => {
      left.abort();
      return pieces.return();
    },
  };
  return iterator;
}

async function* replayUntil(
  left: AbortSignal,
  frames: readonly Frame[],
  { pacing, verbatim, name, inBlocks = false }: ReplayOptions,
): AsyncGenerator<Chunk, void> {
  const personal = verbatim ? undefined : new PersonalValues(name);
  if (inBlocks && pacing === 'instant') {
    for (const block of blocksOf(frames, personal)) {
      if (left.aborted) return;
      yield block;
    }
    return;
  }
  const startedAt = performance.now();
  for (const [index, frame] of frames.entries()) {
    const dueAt = startedAt + delayOf(frame, index, pacing);
    const waitMs = dueAt - performance.now();
    // Rejected only for a caller who has left, and hears of nothing.
    if (waitMs > 0) {
      await sleep(waitMs, undefined, { signal: left, ref: false }).catch(() => undefined);
    }
    if (left.aborted) return;
    yield chunkOf(frame, personal?.within(frame) ?? frame.bytes);
  }
}

function* blocksOf(
  frames: readonly Frame[],
  personal: PersonalValues | undefined,
): Generator<Chunk, void> {
  let block: FreshFrame[] = [];
  let size = 0;
  for (const [index, frame] of frames.entries()) {
    const fresh = personal?.of(frame) ?? new FreshFrame(frame);
    block.push(fresh);
    size += fresh.size;
    const { form } = frame;
    const isOfOneKind = (form === 'bytes' || form === 'text') && form === frames[index + 1]?.form;
    if (isOfOneKind && size < BLOCK_BYTES) continue;
    yield chunkOf(frame, putTogether(block, size));
    [block, size] = [[], 0];
  }
}

/**
 * The one piece of an answer that is no stream.
 *
 * @param unchanged stands for JSON where nobody wants its value
 */
export function replayValue(
  [frame]: readonly Frame[],
  verbatim: boolean,
  unchanged: (json: Buffer) => Chunk,
): Chunk {
  if (frame === undefined) return undefined;
  const bytes = verbatim ? frame.bytes : new PersonalValues().within(frame);
  return (frame.form === 'json' ? unchanged(bytes) : undefined) ?? chunkOf(frame, bytes);
}

function delayOf({ atMs }: Frame, index: number, pacing: LlmCachePacing): number {
  if (pacing === 'instant') return 0;
  return pacing === 'recorded' ? atMs : (index * 1_000) / pacing.tokensPerSecond;
}

/** @param form as of a {@link Frame} */
export function chunkOf({ form }: Pick<Frame, 'form'>, bytes: Buffer): Chunk {
  switch (form) {
    case 'bytes':
      return bytes;
    case 'text':
      return bytes.toString();
    case 'json':
      return JSON.parse(bytes.toString());
    case 'event':
      return putEventTogether(bytes.toString());
  }
}

const MIN_ID_DIGITS = 20;
const ID_DIGITS = 30;

/** A frame for one caller: with these values in the place of its personal ranges, in their order. */
class FreshFrame {
  readonly #frame: Frame;
  readonly #values: readonly Buffer[];
  /** Nothing moves: all values are as long as those they stand for. */
  readonly #fits: boolean;
  /** Bytes. */
  readonly size: number;

  /** @param values none: all bytes as they are */
  constructor(frame: Frame, values: readonly Buffer[] = []) {
    let [fits, size] = [true, frame.bytes.length];
    values.forEach(({ length }, index) => {
      const more = length - lengthOf(frame.personal[index]);
      if (more !== 0) fits = false;
      size += more;
    });
    this.#frame = frame;
    this.#values = values;
    this.#fits = fits;
    this.size = size;
  }

  writeTo(target: Buffer, at: number): void {
    if (this.#fits) this.#writeOver(target, at);
    else target.set(Buffer.concat(this.#parts()), at);
  }

  #writeOver(target: Buffer, at: number): void {
    const { bytes, personal } = this.#frame;
    target.set(bytes, at);
    this.#values.forEach((value, index) => target.set(value, at + (personal[index]?.start ?? 0)));
  }

  #parts(): Buffer[] {
    const { bytes, personal } = this.#frame;
    const parts: Buffer[] = [];
    let from = 0;
    this.#values.forEach((value, index) => {
      const { start = 0, end = 0 } = personal[index] ?? {};
      parts.push(bytes.subarray(from, start), value);
      from = end;
    });
    return [...parts, bytes.subarray(from)];
  }
}

const lengthOf = (range: PersonalRange | undefined): number =>
  range === undefined ? 0 : range.end - range.start;

function putTogether(frames: readonly FreshFrame[], size: number): Buffer {
  const target = Buffer.allocUnsafe(size);
  let at = 0;
  for (const frame of frames) {
    frame.writeTo(target, at);
    at += frame.size;
  }
  return target;
}

/** Ids and times for one caller: the same in all frames of one answer. */
class PersonalValues {
  readonly #ids = new Map<string, Buffer>();
  readonly #name: string;
  readonly #time: Buffer;

  constructor(name: string = newReplay()) {
    this.#name = name;
    this.#time = Buffer.from(String(timeOfReplay(name)));
  }

  /** The bytes of the frame with fresh values in their places. */
  within(frame: Frame): Buffer {
    if (frame.personal.length === 0) return frame.bytes;
    const fresh = this.of(frame);
    return putTogether([fresh], fresh.size);
  }

  of(frame: Frame): FreshFrame {
    const { bytes, personal } = frame;
    return new FreshFrame(
      frame,
      personal.map((range) => this.#value(range, bytes)),
    );
  }

  #value({ start, end, kind }: PersonalRange, bytes: Buffer): Buffer {
    switch (kind) {
      case 'id':
        return this.#id(bytes.toString('utf8', start, end));
      case 'time':
        return this.#time;
      case 'padding':
        return NO_PADDING;
    }
  }

  /**
   * `"chatcmpl-…"`, `"msg_…"`: the prefix tells clients what it is the id of. As long as the id it
   * stands for, if that is long enough to be like no other.
   */
  #id(literal: string): Buffer {
    const known = this.#ids.get(literal);
    if (known !== undefined) return known;
    const [prefix = '"'] = /^"(?:[A-Za-z]+[-_])?/.exec(literal) ?? [];
    const digits = literal.length - prefix.length - 1;
    const fresh = hash('sha256', `${this.#name}:${literal}`);
    const id = Buffer.from(
      `${prefix}${fresh.slice(0, digits < MIN_ID_DIGITS ? ID_DIGITS : digits)}"`,
    );
    this.#ids.set(literal, id);
    return id;
  }
}

const NO_PADDING = Buffer.from('""');
