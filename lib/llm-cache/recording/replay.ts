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
  let parts: Buffer[] = [];
  let size = 0;
  for (const [index, frame] of frames.entries()) {
    parts.push(...(personal?.partsOf(frame) ?? [frame.bytes]));
    size += frame.bytes.length;
    const { form } = frame;
    const isOfOneKind = (form === 'bytes' || form === 'text') && form === frames[index + 1]?.form;
    if (isOfOneKind && size < BLOCK_BYTES) continue;
    yield chunkOf(frame, Buffer.concat(parts));
    [parts, size] = [[], 0];
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

const ID_DIGITS = 30;

/** Ids and times for one caller: the same in all frames of one answer. */
class PersonalValues {
  readonly #ids = new Map<string, string>();
  readonly #name: string;
  readonly #time: number;

  constructor(name: string = newReplay()) {
    this.#name = name;
    this.#time = timeOfReplay(name);
  }

  /** The bytes of the frame with fresh values in their places. */
  within(frame: Frame): Buffer {
    return frame.personal.length === 0 ? frame.bytes : Buffer.concat(this.partsOf(frame));
  }

  /** The same, not put together yet. */
  partsOf({ bytes, personal }: Frame): Buffer[] {
    const parts: Buffer[] = [];
    let from = 0;
    for (const { start, end, kind } of personal) {
      const value = this.#fresh(kind, bytes.toString('utf8', start, end));
      parts.push(bytes.subarray(from, start), Buffer.from(value));
      from = end;
    }
    parts.push(bytes.subarray(from));
    return parts;
  }

  #fresh(kind: PersonalRange['kind'], literal: string): string {
    switch (kind) {
      case 'id':
        return this.#id(literal);
      case 'time':
        return String(this.#time);
      case 'padding':
        return '""';
    }
  }

  /** `"chatcmpl-…"`, `"msg_…"`: the prefix tells clients what it is the id of. */
  #id(literal: string): string {
    const known = this.#ids.get(literal);
    if (known !== undefined) return known;
    const [prefix = '"'] = /^"(?:[A-Za-z]+[-_])?/.exec(literal) ?? [];
    const fresh = hash('sha256', `${this.#name}:${literal}`);
    const id = `${prefix}${fresh.slice(0, ID_DIGITS)}"`;
    this.#ids.set(literal, id);
    return id;
  }
}
