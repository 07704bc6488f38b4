import type { Redis } from 'ioredis';
import { AzureRedisError } from '../azure-redis.errors.js';
import { mayTakeLong } from './blocking-commands.js';
import type { ConnectionRegistry } from './connection-registry.js';
import type { ManagedConnection } from './managed-connection.js';

const SWEEPS_PER_LIMIT = 4;

interface Silence {
  readonly since: number;
  readonly bytesRead: number;
}

/**
 * Ends connections whose peer has vanished without a word (a failed-over node, a dropped NAT
 * entry): they owe answers and nothing arrives. TCP itself would take a quarter of an hour.
 */
export class SilenceWatchdog {
  readonly #connections: ConnectionRegistry;
  readonly #limitMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #silences = new WeakMap<ManagedConnection, Silence>();

  /** @param limitMs how long a connection may owe an answer without sending anything */
  constructor(connections: ConnectionRegistry, limitMs: number) {
    this.#connections = connections;
    this.#limitMs = limitMs;
    this.#timer = setInterval(() => this.#sweep(), limitMs / SWEEPS_PER_LIMIT);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #sweep(): void {
    for (const connection of this.#connections.live) this.#check(connection);
  }

  #check(connection: ManagedConnection): void {
    const { redis, endpoint } = connection;
    if (!owesAnAnswer(redis)) {
      this.#silences.delete(connection);
      return;
    }
    const { bytesRead } = redis.stream;
    const silence = this.#silences.get(connection);
    if (silence === undefined || silence.bytesRead !== bytesRead) {
      this.#silences.set(connection, { since: Date.now(), bytesRead });
      return;
    }
    if (Date.now() - silence.since < this.#limitMs) return;
    this.#silences.delete(connection);
    redis.stream.destroy(
      new AzureRedisError(
        'DEADLINE_EXCEEDED',
        `Redis at ${endpoint} has answered nothing for ${this.#limitMs} ms ("deadlines.silenceMs"), connecting anew.`,
      ),
    );
  }
}

function owesAnAnswer({ commandQueue }: Redis): boolean {
  const oldest = commandQueue.peekFront()?.command;
  return oldest !== undefined && !mayTakeLong(oldest);
}
