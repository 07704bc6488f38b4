import { stopReading, type Chunk } from './recording/chunk.js';

/** The caller hears of its own abort at once, whoever else still waits. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Whoever has gone does not hear of its failure.
  promise.catch(() => undefined);
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Pieces for a caller that may abort its request in between. */
export function abortable(
  chunks: AsyncIterableIterator<Chunk>,
  signal: AbortSignal,
): AsyncIterableIterator<Chunk> {
  const leave = (): void => stopReading(chunks);
  const isOver = (): void => signal.removeEventListener('abort', leave);
  signal.addEventListener('abort', leave, { once: true });
  const iterator: AsyncIterableIterator<Chunk> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      try {
        const result = await orAborted(chunks.next(), signal);
        if (result.done === true) isOver();
        return result;
      } catch (error) {
        isOver();
        throw error;
      }
    },
    return: async () => {
      isOver();
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
  return iterator;
}
