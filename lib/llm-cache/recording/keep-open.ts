import type { Readable } from 'node:stream';

// Nest closes what a handler returned as soon as the caller of that handler has gone, but the
// answer is that of others, too. It leaves web streams alone while we hold their reader.

/**
 * To be called once its iterator is taken. Closing another iterator of the same source harms
 * nothing; a generator has only the one that it is.
 */
export function keepIterableOpen(
  source: AsyncIterable<unknown>,
  iterator: AsyncIterator<unknown>,
): void {
  if (!Object.is(source, iterator) || !Object.isExtensible(source)) return;
  const closed: AsyncIterator<unknown> = {
    next: async () => ({ done: true, value: undefined }),
  };
  // Whoever asks for another iterator now wants to close it.
  Object.defineProperty(source, Symbol.asyncIterator, { configurable: true, value: () => closed });
}

/** @returns what lets it be closed again */
export function keepReadableOpen(stream: Readable): () => void {
  const destroy = stream.destroy.bind(stream);
  let isKept = true;
  stream.destroy = (error?: Error) => {
    // A stream closes itself with an error, or after its end.
    if (isKept && !error && !stream.readableEnded) return stream;
    return destroy(error);
  };
  return () => {
    isKept = false;
  };
}
