import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { hasMethod } from '../json-object.js';
import { answerHeaders, isForbidden, type AnswerHead, type LiveAnswer } from './answer.js';
import { once, type Chunk } from './chunk.js';
import { keepIterableOpen, keepReadableOpen } from './keep-open.js';

/** Status and headers that Nest will send with what a handler returned. */
export interface ResponseState {
  readonly status: number;
  header(name: string): string | undefined;
}

/**
 * Begins to read what a handler returned, in whatever way Nest can send it. From now on the body
 * belongs to the reader.
 *
 * @returns why it can only be passed on, if so. `stream`: somebody else reads it already
 */
export function readAnswer(
  answer: unknown,
  state: ResponseState,
): LiveAnswer | 'stream' | 'encoded' | 'forbidden' {
  if (state.header('content-encoding') !== undefined) return 'encoded';
  if (isForbidden((name) => state.header(name))) return 'forbidden';
  if (answer instanceof StreamableFile) return readFile(answer, state);
  if (isWebResponse(answer)) return readResponse(answer);
  const headers = answerHeaders((name) => state.header(name));
  const head = (kind: AnswerHead['kind']): AnswerHead => ({ kind, status: state.status, headers });
  if (answer instanceof ReadableStream) {
    return answer.locked ? 'stream' : { head: head('web-stream'), chunks: readWebStream(answer) };
  }
  if (answer instanceof Readable) {
    return isRead(answer) ? 'stream' : { head: head('node-stream'), chunks: readNode(answer) };
  }
  if (isAsyncIterable(answer)) return { head: head('iterable'), chunks: readIterable(answer) };
  if (hasMethod(answer, 'pipe')) return 'stream';
  return { head: head('value'), chunks: once(answer) };
}

/** A `Response` of a handler, or of `fetch`. @returns why it can only be passed on, if so */
export function readResponse(response: Response): LiveAnswer | 'stream' | 'encoded' {
  if (response.bodyUsed || response.body?.locked === true) return 'stream';
  // `fetch` has decoded the body and left the header.
  const isDecoded = response.type !== 'default';
  if (!isDecoded && response.headers.has('content-encoding')) return 'encoded';
  const head: AnswerHead = {
    kind: 'response',
    status: response.status,
    headers: answerHeaders((name) => response.headers.get(name)),
  };
  return { head, chunks: response.body === null ? empty() : readWebStream(response.body) };
}

function readFile(file: StreamableFile, state: ResponseState): LiveAnswer | 'stream' {
  const { type, disposition } = file.getHeaders();
  const own: Record<string, unknown> = {
    'content-type': type,
    'content-disposition': disposition,
  };
  const stream = file.getStream();
  if (isRead(stream)) return 'stream';
  const headers = answerHeaders((name) => {
    const value = state.header(name) ?? own[name];
    return typeof value === 'string' ? value : undefined;
  });
  return { head: { kind: 'file', status: state.status, headers }, chunks: readNode(stream) };
}

function readWebStream(stream: ReadableStream<unknown>): AsyncIterator<Chunk> {
  const reader = stream.getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? { done: true, value: undefined } : { done: false, value };
    },
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

function readNode(stream: Readable): AsyncIterator<Chunk> {
  const close = keepReadableOpen(stream);
  const iterator: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
  return closing(iterator, () => {
    close();
    stream.destroy();
  });
}

function readIterable(source: AsyncIterable<unknown>): AsyncIterator<Chunk> {
  const iterator = source[Symbol.asyncIterator]();
  keepIterableOpen(source, iterator);
  return closing(iterator, () => undefined);
}

/** `return()` does not wait for a read that may never be answered. */
function closing(iterator: AsyncIterator<unknown>, close: () => void): AsyncIterator<Chunk> {
  return {
    next: () => iterator.next(),
    return: async () => {
      close();
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}

async function* empty(): AsyncGenerator {
  // A body without pieces.
}

const isRead = (stream: Readable): boolean => stream.readableDidRead || stream.destroyed;

/** As Nest tells: a `Response` may come from another copy of undici. */
function isWebResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]';
}

/** As Nest does: an async iterable that is a thenable stands for what it resolves to. */
function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return hasMethod(value, Symbol.asyncIterator) && !hasMethod(value, 'then');
}
