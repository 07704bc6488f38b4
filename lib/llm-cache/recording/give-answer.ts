import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { AnswerHead } from './answer.js';
import { bytesOf, stopReading, toWire, type Chunk } from './chunk.js';

type Chunks = AsyncIterableIterator<Chunk>;

/**
 * The answer again, in the way that its handler gave it, for Nest to send.
 *
 * @param original what the handler returned, for its first caller
 */
export function giveAnswer(head: AnswerHead, chunks: Chunks, original?: unknown): unknown {
  switch (head.kind) {
    case 'iterable':
      return chunks;
    case 'web-stream':
      return toWebStream(chunks, (chunk) => chunk);
    case 'node-stream':
      return Readable.from(chunks);
    case 'file':
    case 'raw':
      return toFile(head, chunks, original);
    case 'response':
      return toResponse(head, chunks, original instanceof Response ? original : undefined);
    case 'value':
    case 'events':
      throw new Error(`An answer of the kind "${head.kind}" is no stream.`);
  }
}

/** The events of an `@Sse()` handler. Unsubscribing stops the reading. */
export function toObservable(chunks: Chunks): Observable<unknown> {
  return new Observable((subscriber) => {
    const read = async (): Promise<void> => {
      for await (const chunk of chunks) {
        if (subscriber.closed) return;
        subscriber.next(chunk);
      }
      subscriber.complete();
    };
    read().catch((error: unknown) => subscriber.error(error));
    return () => stopReading(chunks);
  });
}

/** Nest sends any stream by way of a `StreamableFile`. */
function toFile({ headers }: AnswerHead, chunks: Chunks, original: unknown): StreamableFile {
  const stream = Readable.from(chunks);
  if (!(original instanceof StreamableFile)) {
    const type = headers['content-type'];
    const disposition = headers['content-disposition'];
    return new StreamableFile(stream, {
      ...(type !== undefined && { type }),
      ...(disposition !== undefined && { disposition }),
    });
  }
  return new StreamableFile(stream, original.options)
    .setErrorHandler(original.errorHandler)
    .setErrorLogger(original.errorLogger);
}

/** What `fetch` decoded still has the headers of the encoded body, and of its connection. */
const HEADERS_OF_THE_TRANSFER = [
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
];

export function toResponse(head: AnswerHead, chunks: Chunks, original?: Response): Response {
  const headers = new Headers(original?.headers ?? head.headers);
  if (original !== undefined && original.type !== 'default') {
    for (const name of HEADERS_OF_THE_TRANSFER) headers.delete(name);
  }
  const { status } = head;
  const body = isBodyless(status) ? null : toWebStream(chunks, (chunk) => bytesFrom(chunk));
  const statusText = original?.statusText ?? '';
  const response = new Response(body, { status, statusText, headers });
  // Clients show it in their errors.
  if (original) Object.defineProperty(response, 'url', { value: original.url });
  return response;
}

const isBodyless = (status: number): boolean => status === 204 || status === 205 || status === 304;

function toWebStream<T>(chunks: Chunks, convert: (chunk: Chunk) => T): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done === true) controller.close();
        else controller.enqueue(convert(value));
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    // Nothing is read ahead of the caller.
    { highWaterMark: 0 },
  );
}

/** A `Response` has only bytes. */
function bytesFrom(chunk: Chunk): Uint8Array {
  const wire = toWire(chunk);
  return wire === undefined ? new Uint8Array() : bytesOf(wire);
}
