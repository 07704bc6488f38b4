import type { ServerResponse } from 'node:http';

const RESPONSE_IS_OVER = new DOMException('The response is over.', 'AbortError');

/** What the cache needs of an AbortSignal; to make one takes longer than to look an answer up. */
export interface GoneSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once: true }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Aborted when a response is over, sent or not: nobody reads any more. */
export class ResponseOver implements GoneSignal {
  // Made once: a stack trace for each request takes long as well.
  readonly reason: unknown = RESPONSE_IS_OVER;
  readonly #response: ServerResponse | undefined;
  /** One listener of the response for all of them: Node warns of more than ten. */
  #listeners: Set<() => void> | undefined;

  /** @param response of Node; a runtime that has none never tells */
  constructor(response: ServerResponse | undefined) {
    this.#response = response;
  }

  get aborted(): boolean {
    return this.#response?.closed === true;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners ??= this.#listen();
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  #listen(): Set<() => void> {
    const listeners = new Set<() => void>();
    this.#response?.once('close', () => {
      for (const listener of listeners) listener();
    });
    return listeners;
  }
}
