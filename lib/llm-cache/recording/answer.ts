import { randomBytes } from 'node:crypto';
import { isJsonObject } from '../json-object.js';
import type { Chunk } from './chunk.js';
import { currentTrace } from './current-trace.js';

/**
 * How a handler may answer; an answer is replayed the way it came. `value`: anything that goes
 * out as one JSON text, or a text. `events`: those of an `@Sse()` handler. `file`: a
 * `StreamableFile`. `response`: a web `Response`, of a handler or of `fetch`. `raw`: written to
 * `@Res()`.
 */
export const ANSWER_KINDS = [
  'value',
  'events',
  'iterable',
  'web-stream',
  'node-stream',
  'file',
  'response',
  'raw',
] as const;

export type AnswerKind = (typeof ANSWER_KINDS)[number];

/** Whose pieces are nothing but the bytes that they are made of. */
const BYTE_STREAMS: ReadonlySet<AnswerKind> = new Set(['node-stream', 'file', 'response', 'raw']);

export const isByteStream = ({ kind }: AnswerHead): boolean => BYTE_STREAMS.has(kind);

/** What a handler or an upstream says of its answer before the body. */
export interface AnswerHead {
  readonly kind: AnswerKind;
  readonly status: number;
  /** Lower-case names; only those that belong to the answer and not to its first caller. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The call that an answer comes from. */
export interface AnswerOrigin {
  /** Tells the answer from all others to the same request. */
  readonly id: string;
  /** When the call was made, as invalidations count time. */
  readonly epoch: string;
  /** Of the request that was asked then. */
  readonly tags?: readonly string[];
  /** Its trace, as a W3C `traceparent`, where somebody has named it. */
  readonly trace?: string;
}

/** What is known of an answer before its body. */
export interface OriginatedHead extends AnswerHead {
  readonly origin: AnswerOrigin;
}

/** Tells what an older or newer version has written from a head. */
export function isOriginatedHead(head: unknown): head is OriginatedHead {
  return (
    isJsonObject(head) &&
    typeof head['status'] === 'number' &&
    ANSWER_KINDS.some((kind) => kind === head['kind']) &&
    isJsonObject(head['headers']) &&
    Object.values(head['headers']).every((value) => typeof value === 'string') &&
    isJsonObject(head['origin']) &&
    typeof head['origin']['id'] === 'string' &&
    typeof head['origin']['epoch'] === 'string' &&
    areTags(head['origin']['tags']) &&
    ['string', 'undefined'].includes(typeof head['origin']['trace'])
  );
}

const areTags = (tags: unknown): boolean =>
  tags === undefined || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'));

export function newOrigin(epoch: string, tags: readonly string[] = []): AnswerOrigin {
  const trace = currentTrace();
  return {
    id: randomBytes(9).toString('base64url'),
    epoch,
    ...(tags.length > 0 && { tags }),
    ...(trace !== undefined && { trace }),
  };
}

/** An answer that is being given. */
export interface LiveAnswer<Head extends AnswerHead = AnswerHead> {
  readonly head: Head;
  /** The pieces of the body, one for `value`; `return()` stops the handler or the upstream. */
  readonly chunks: AsyncIterator<Chunk>;
}

/** The text of a header as Node and Nest keep it: several values are one list. */
export function headerText(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.join(', ');
  return typeof value === 'string' ? value : undefined;
}

/** Headers that depend on the caller in a way that the body does not. */
const HARMLESS_VARY: ReadonlySet<string> = new Set(['', 'origin', 'accept-encoding']);

/**
 * Whether a handler says by its response headers that its answer is not for others. Those of an
 * upstream's `Response` say nothing: most of them forbid all caching.
 */
export function isForbidden(valueOf: (name: string) => string | undefined): boolean {
  if (/(^|[\s,])no-store([\s,]|$)/i.test(valueOf('cache-control') ?? '')) return true;
  const names = (valueOf('vary') ?? '').split(',');
  return names.some((name) => !HARMLESS_VARY.has(name.trim().toLowerCase()));
}

/** Response headers that belong to an answer; all others belong to a connection or a caller. */
const ANSWER_HEADERS = [
  'content-type',
  'content-language',
  'content-disposition',
  'cache-control',
  'cache-groups',
  'x-accel-buffering',
] as const;

export function answerHeaders(
  valueOf: (name: string) => string | null | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of ANSWER_HEADERS) {
    const value = valueOf(name);
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}
