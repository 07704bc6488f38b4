import type { Chunk } from './recording/chunk.js';

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
  const leave = (): void => void chunks.return?.();
  signal.addEventListener('abort', leave, { once: true });
  const iterator: AsyncIterableIterator<Chunk> = {
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      const result = await orAborted(chunks.next(), signal);
      if (result.done === true) signal.removeEventListener('abort', leave);
      return result;
    },
    return: async () => {
      signal.removeEventListener('abort', leave);
      await chunks.return?.();
      return { done: true, value: undefined };
    },
  };
  return iterator;
}
