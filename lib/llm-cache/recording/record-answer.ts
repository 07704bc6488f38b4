import { JSON_MEDIA_TYPE, parseJson, type JsonObject } from '../json-object.js';
import type { UnstorableReason } from '../policy/storable.js';
import type {
  LlmProtocol,
  PersonalField,
  StreamJudge,
} from '../protocols/llm-protocol.interface.js';
import {
  ServerSentEvents,
  SSE_MEDIA_TYPE,
  type ServerSentEvent,
} from '../protocols/server-sent-events.js';
import type { AnswerHead } from './answer.js';
import { bytesOf, type WireChunk } from './chunk.js';
import { eventText, takeEventApart } from './emitted-event.js';
import type { Frame } from './entry.js';
import { personalRanges } from './personal-ranges.js';

/** A piece of a body that has come to its end. */
export interface RecordedPiece {
  readonly wire: WireChunk | undefined;
  readonly atMs: number;
}

interface Piece {
  readonly wire: WireChunk;
  readonly atMs: number;
}

/** The frames to store, or why the answer must not be stored. */
export type Recording = readonly Frame[] | UnstorableReason;

/** Judges a whole body by its protocol, and cuts it into the frames of its replay. */
export function recordAnswer(
  head: AnswerHead,
  recorded: Iterable<RecordedPiece>,
  protocol: LlmProtocol,
  request: JsonObject,
): Recording {
  const pieces: Piece[] = [];
  for (const { wire, atMs } of recorded) {
    if (wire === undefined) return 'not-json';
    pieces.push({ wire, atMs });
  }
  const fields = protocol.personalFields(request);
  const recording: Parameters<typeof recordJson> = [pieces, protocol, request, fields];
  if (head.kind === 'events') return recordEvents(...recording);
  const isKnown = protocol.name !== 'json';
  const wantsStream = protocol.asksForStream(request);
  const contentType = head.headers['content-type'] ?? '';
  // A JSON body must never answer a request for a stream, nor the reverse.
  if (head.kind === 'value' || JSON_MEDIA_TYPE.test(contentType)) {
    return isKnown && wantsStream ? 'not-stream' : recordJson(...recording);
  }
  if (pieces.length > 0 && pieces.every(({ wire }) => wire.form === 'json')) {
    return isKnown && !wantsStream ? 'not-json' : recordJsonLines(...recording);
  }
  if (pieces.some(({ wire }) => wire.form === 'json')) return 'not-json';
  if (SSE_MEDIA_TYPE.test(contentType)) {
    return isKnown && !wantsStream ? 'not-json' : recordStream(...recording);
  }
  if (!isKnown) return recordAsItCame(pieces);
  return wantsStream ? recordStream(...recording) : recordJson(...recording);
}

/** One JSON text, in however many pieces it came; a text that is no JSON is an answer as well. */
function recordJson(
  pieces: readonly Piece[],
  protocol: LlmProtocol,
  request: JsonObject,
  fields: readonly PersonalField[],
): Recording {
  const bytes = Buffer.concat(pieces.map(({ wire }) => bytesOf(wire)));
  if (bytes.length === 0) return 'empty';
  const form = pieces.length === 1 ? (pieces[0]?.wire.form ?? 'bytes') : commonForm(pieces);
  const value = parseJson(bytes.toString());
  if (value === undefined && (form !== 'text' || protocol.name !== 'json')) return 'not-json';
  const reason = protocol.judge(value, request);
  if (reason !== undefined) return reason;
  return [{ form, bytes, atMs: 0, personal: personalRanges(bytes, 0, fields) }];
}

function recordStream(
  pieces: readonly Piece[],
  protocol: LlmProtocol,
  request: JsonObject,
  fields: readonly PersonalField[],
): Recording {
  const reader = new ServerSentEvents();
  const judge = protocol.judgeStream(request);
  const form = commonForm(pieces);
  const frames: Frame[] = [];
  const add = ({ raw, name, data }: ServerSentEvent, atMs: number): void => {
    if (name !== undefined || data !== '') judge.event(name, data);
    const start = data === '' ? -1 : raw.indexOf(data);
    const personal = start === -1 ? [] : personalRanges(raw.subarray(start), start, fields);
    frames.push({ form, bytes: raw, atMs, personal });
  };
  for (const { wire, atMs } of pieces) {
    for (const event of reader.push(bytesOf(wire))) add(event, atMs);
  }
  const tail = reader.end();
  if (tail !== undefined) add(tail, pieces.at(-1)?.atMs ?? 0);
  return judge.verdict() ?? frames;
}

function recordEvents(
  pieces: readonly Piece[],
  protocol: LlmProtocol,
  request: JsonObject,
  fields: readonly PersonalField[],
): Recording {
  const judge = protocol.judgeStream(request);
  const frames = pieces.map(({ wire, atMs }): Frame => {
    const event = takeEventApart(wire);
    judge.event(event.name, event.data);
    const start = Buffer.byteLength(event.meta) + 1;
    const bytes = Buffer.from(eventText(event));
    const personal = personalRanges(bytes.subarray(start), start, fields);
    return { form: 'event', bytes, atMs, personal };
  });
  return judge.verdict() ?? frames;
}

/** Objects, which Nest sends as lines of JSON. */
function recordJsonLines(
  pieces: readonly Piece[],
  protocol: LlmProtocol,
  request: JsonObject,
  fields: readonly PersonalField[],
): Recording {
  const judge: StreamJudge = protocol.judgeStream(request);
  const frames = pieces.map(({ wire, atMs }): Frame => {
    const bytes = bytesOf(wire);
    judge.event(undefined, bytes.toString());
    return { form: 'json', bytes, atMs, personal: personalRanges(bytes, 0, fields) };
  });
  return judge.verdict() ?? frames;
}

/** A text or a file: complete when it ends by itself. */
function recordAsItCame(pieces: readonly Piece[]): Recording {
  const frames = pieces.map(({ wire, atMs }): Frame => ({
    form: wire.form,
    bytes: bytesOf(wire),
    atMs,
    personal: [],
  }));
  return frames.every(({ bytes }) => bytes.length === 0) ? 'empty' : frames;
}

const commonForm = (pieces: readonly Piece[]): 'text' | 'bytes' =>
  pieces.every(({ wire }) => wire.form === 'text') ? 'text' : 'bytes';
