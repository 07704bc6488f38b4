import type { Chunk } from './chunk.js';

/** The pieces of a body that come whether anybody asks or not, for a reader that asks. */
export class PushedChunks implements AsyncIterator<Chunk> {
  readonly #waiting: Chunk[] = [];
  readonly #onReturn: () => void;
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => undefined;

  /** @param onReturn stops whoever pushes */
  constructor(onReturn: () => void = () => undefined) {
    this.#onReturn = onReturn;
  }

  push(chunk: Chunk): void {
    if (this.#end !== undefined) return;
    this.#waiting.push(chunk);
    this.#wake();
  }

  end(): void {
    this.#end ??= {};
    this.#wake();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<Chunk>> {
    while (this.#waiting.length === 0) {
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { done: false, value: this.#waiting.shift() };
  }

  async return(): Promise<IteratorResult<Chunk>> {
    this.end();
    this.#onReturn();
    return { done: true, value: undefined };
  }
}
