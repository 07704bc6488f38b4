import type { Socket } from 'node:net';
import type { RedisFaults } from './redis-faults.js';

/** Hands the bytes of Redis to the client in order: at once, late, or not for now. */
export class ReplyGate {
  readonly #client: Socket;
  readonly #redis: Socket;
  readonly #faults: RedisFaults;
  #held: { readonly chunk: Buffer; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isLost = false;
  #afterLast: (() => void) | undefined;

  constructor(client: Socket, redis: Socket, faults: RedisFaults) {
    this.#client = client;
    this.#redis = redis;
    this.#faults = faults;
    client.on('drain', () => redis.resume());
  }

  push(chunk: Buffer): void {
    if (this.#isLost) return;
    const { isStalled, replyDelayMs } = this.#faults;
    if (!isStalled && replyDelayMs === 0 && this.#held.length === 0) {
      this.#write(chunk);
      return;
    }
    this.#held.push({ chunk, dueAt: performance.now() + replyDelayMs });
    this.flush();
  }

  /** Sends what is due, and comes back for the rest. */
  flush(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    while (!this.#isLost && !this.#faults.isStalled) {
      const [next] = this.#held;
      if (!next) {
        this.#afterLast?.();
        return;
      }
      if (next.dueAt > now && this.#faults.replyDelayMs > 0) {
        this.#timer = setTimeout(() => this.flush(), next.dueAt - now).unref();
        return;
      }
      this.#held.shift();
      this.#write(next.chunk);
    }
  }

  /** No more replies will come: calls back when all have been handed over. */
  finish(afterLast: () => void): void {
    this.#afterLast = afterLast;
    this.flush();
  }

  lose(): void {
    this.#isLost = true;
    this.#held = [];
    clearTimeout(this.#timer);
  }

  #write(chunk: Buffer): void {
    if (this.#client.destroyed || !this.#client.writable) return;
    if (!this.#client.write(chunk)) this.#redis.pause();
  }
}
