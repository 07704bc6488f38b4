import type { Chunk } from './chunk.js';

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

/** What is known of an answer before its body. */
export interface AnswerHead {
  readonly kind: AnswerKind;
  readonly status: number;
  /** Lower-case names; only those that belong to the answer and not to its first caller. */
  readonly headers: Readonly<Record<string, string>>;
}

/** An answer that is being given. */
export interface LiveAnswer {
  readonly head: AnswerHead;
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
