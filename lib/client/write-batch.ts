import type { Redis } from 'ioredis';

/**
 * Commands that are sent while replies are awaited go out together at the end of this turn of the
 * event loop: one write and one TLS record in place of many, which cost more than all else of a
 * look-up. With nothing under way a command goes out at once: whoever awaits one after the other
 * loses nothing.
 */
export class WriteBatch {
  #corked: Redis['stream'] | undefined;

  /** Before a command is written on its own. */
  join({ status, stream, commandQueue }: Redis): void {
    if (status !== 'ready' || commandQueue.length === 0 || stream === this.#corked) return;
    this.#corked = stream;
    stream.cork();
    setImmediate(() => {
      this.#corked = undefined;
      stream.uncork();
    });
  }
}
