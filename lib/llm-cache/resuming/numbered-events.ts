import { isJsonObject } from '../json-object.js';
import { ServerSentEvents, SSE_MEDIA_TYPE } from '../protocols/server-sent-events.js';
import type { AnswerHead } from '../recording/answer.js';
import { bytesOf, toWire, type Chunk } from '../recording/chunk.js';

const BYTE_ORDER_MARK = 0xef;

/** Whether the answer is an event stream, whose events can have ids. */
export const hasEvents = ({ kind, headers }: AnswerHead): boolean =>
  kind === 'events' || SSE_MEDIA_TYPE.test(headers['content-type'] ?? '');

/**
 * An event stream with an id for each event.
 *
 * @param after number of the last event that the caller has got; -1 for none
 */
export function numberedEvents(
  head: AnswerHead,
  chunks: AsyncIterableIterator<Chunk>,
  idOf: (event: number) => string,
  after: number,
): AsyncIterableIterator<Chunk> {
  const numbered = head.kind === 'events' ? numberObjects : numberBytes;
  return returning(numbered(chunks, idOf, after), chunks);
}

/** Of several ids of an event the last one counts. */
function withoutIds(raw: Buffer): Buffer {
  const lines = raw.toString('latin1').replaceAll(/^id(?::[^\r\n]*)?(?:\r\n|\r|\n)/gm, '');
  return Buffer.from(lines, 'latin1');
}

async function* numberObjects(
  chunks: AsyncIterable<Chunk>,
  idOf: (event: number) => string,
  after: number,
): AsyncGenerator<Chunk, void> {
  let event = -1;
  for await (const chunk of chunks) {
    event += 1;
    if (event <= after) continue;
    // As Nest does with what is no event.
    yield { ...(isJsonObject(chunk) ? chunk : { data: chunk }), id: idOf(event) };
  }
}

async function* numberBytes(
  chunks: AsyncIterable<Chunk>,
  idOf: (event: number) => string,
  after: number,
): AsyncGenerator<Chunk, void> {
  const reader = new ServerSentEvents();
  let event = -1;
  const numbered = function* (raw: Buffer): Generator<Buffer> {
    event += 1;
    if (event <= after) return;
    // A line in front of a byte order mark would not be one.
    if (raw[0] === BYTE_ORDER_MARK) yield raw;
    else yield Buffer.concat([Buffer.from(`id: ${idOf(event)}\n`), withoutIds(raw)]);
  };
  for await (const chunk of chunks) {
    const wire = toWire(chunk);
    // No part of a byte stream.
    if (wire === undefined || wire.form === 'json') {
      yield chunk;
      continue;
    }
    const isText = wire.form === 'text';
    for (const { raw } of reader.push(bytesOf(wire))) {
      for (const bytes of numbered(raw)) yield isText ? bytes.toString() : bytes;
    }
  }
  const rest = reader.end();
  if (rest !== undefined) yield* numbered(rest.raw);
}

/** Leaving it stops the source at once, also while a piece of it is awaited. */
function returning(
  pieces: AsyncGenerator<Chunk, void>,
  source: AsyncIterator<Chunk>,
): AsyncIterableIterator<Chunk> {
  const iterator: AsyncIterableIterator<Chunk> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => pieces.next(),
    return: async () => {
      await source.return?.();
      void pieces.return();
      return { done: true, value: undefined };
    },
  };
  return iterator;
}
