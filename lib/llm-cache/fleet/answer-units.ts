import { JSON_MEDIA_TYPE } from '../json-object.js';
import { ServerSentEvents, SSE_MEDIA_TYPE } from '../protocols/server-sent-events.js';
import type { AnswerHead } from '../recording/answer.js';
import { bytesOf, toWire, type Chunk } from '../recording/chunk.js';
import { eventText, takeEventApart } from '../recording/emitted-event.js';
import type { Frame } from '../recording/entry.js';

/** A part of a body that can be told from the same part of another answer to the same request. */
export type AnswerUnit = Pick<Frame, 'form' | 'bytes'>;

/**
 * How a body is cut: into server-sent events, however the network has cut it; as one unit when it
 * is one JSON text; otherwise as it came.
 */
type Cut = 'events' | 'whole' | 'pieces';

/** @param isEventStream whatever the head says */
export async function* unitsOf(
  head: AnswerHead,
  isEventStream: boolean,
  chunks: AsyncIterator<Chunk>,
): AsyncGenerator<AnswerUnit, void> {
  const cut = cutOf(head, isEventStream);
  const events = new ServerSentEvents();
  const pieces: Buffer[] = [];
  let form: AnswerUnit['form'] = 'bytes';
  for (;;) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    const wire = toWire(value);
    if (wire === undefined) throw new Error('The answer was cut.');
    form = wire.form;
    const bytes = bytesOf(wire);
    if (head.kind === 'events') {
      yield { form: 'event', bytes: Buffer.from(eventText(takeEventApart(wire))) };
    } else if (form === 'json' || cut === 'pieces') yield { bytes, form };
    else if (cut === 'whole') pieces.push(bytes);
    else for (const { raw } of events.push(bytes)) yield { bytes: raw, form };
  }
  const rest = events.end()?.raw ?? Buffer.concat(pieces);
  if (rest.length > 0) yield { bytes: rest, form };
}

function cutOf({ kind, headers }: AnswerHead, isEventStream: boolean): Cut {
  if (kind === 'value') return 'pieces';
  const type = headers['content-type'] ?? '';
  if (JSON_MEDIA_TYPE.test(type)) return 'whole';
  return SSE_MEDIA_TYPE.test(type) || isEventStream ? 'events' : 'pieces';
}
