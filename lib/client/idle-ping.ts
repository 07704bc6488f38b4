import type { ConnectionRegistry } from './connection-registry.js';
import type { ManagedConnection } from './managed-connection.js';

/** Azure Managed Redis closes connections without a command for 10 minutes; TCP keep-alive does not count. */
const IDLE_MS = 4 * 60_000;

/** Sends PING on connections on which nothing was written for a while. */
export class IdlePing {
  readonly #connections: ConnectionRegistry;
  readonly #timer: NodeJS.Timeout;
  readonly #written = new WeakMap<ManagedConnection, number>();

  constructor(connections: ConnectionRegistry, idleMs = IDLE_MS) {
    this.#connections = connections;
    this.#timer = setInterval(() => this.#sweep(), idleMs);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Idle is who wrote nothing since the last sweep, so a PING comes after 1 to 2 periods. */
  #sweep(): void {
    for (const connection of this.#connections.live) {
      const { redis } = connection;
      if (redis.status !== 'ready' || redis.mode === 'monitor') continue;
      if (this.#written.get(connection) === redis.stream.bytesWritten) {
        // A connection that cannot answer is closed and reconnected by others.
        redis.ping().catch(() => undefined);
      }
      this.#written.set(connection, redis.stream.bytesWritten);
    }
  }
}
