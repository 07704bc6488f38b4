import { Redis } from 'ioredis';
import type { AzureRedisConnection } from '../../lib/client/azure-redis-connection.js';
import type { Client } from './work/clients.js';

const WINDOW_MS = 1_000;

/**
 * Counts how often anything tries to connect: a loop without a pause against a port that refuses
 * is seen by no server.
 */
export class AttemptWatch implements Disposable {
  peakPerSecond = 0;
  #attempts = 0;
  readonly #timer: NodeJS.Timeout;

  constructor({ client, connections }: AzureRedisConnection) {
    const watch = <Watched extends Client>(watched: Watched): Watched => {
      if (watched instanceof Redis) watched.on('connecting', () => (this.#attempts += 1));
      return watched;
    };
    const seen = new WeakSet<Client>([client]);
    watch(client);
    const manage = connections.manage.bind(connections);
    // All that comes and goes inside ioredis comes by here: nodes, subscribers, duplicates.
    connections.manage = <Managed extends Client>(managed: Managed): Managed => {
      if (seen.has(managed)) return manage(managed);
      seen.add(managed);
      return watch(manage(managed));
    };
    this.#timer = setInterval(() => {
      this.peakPerSecond = Math.max(this.peakPerSecond, this.#attempts);
      this.#attempts = 0;
    }, WINDOW_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
