import type { Redis } from 'ioredis';
import type { AzureRedisClient } from '../client/create-client.js';

/** Short texts that processes send each other through Redis; one that is lost comes late or never. */
export interface Notices {
  /** The channel as Redis knows it. */
  nameOf(channel: string): string;
  /** Listens from now on; may be called again for the same channel. */
  listen(channel: string, onNotice: (text: string) => void): void;
  close(): void;
}

/**
 * Pub/sub on one connection for all channels of a process: a cluster has it already, a single
 * node gets one more connection with the first channel.
 */
export class RedisNotices implements Notices {
  readonly #client: AzureRedisClient;
  readonly #prefix: string;
  readonly #channels = new Map<string, (text: string) => void>();
  #subscriber: AzureRedisClient | undefined;

  /** @param prefix starts every channel in Redis */
  constructor(client: AzureRedisClient, prefix: string) {
    this.#client = client;
    this.#prefix = `${prefix}:`;
  }

  nameOf(channel: string): string {
    return this.#prefix + channel;
  }

  listen(channel: string, onNotice: (text: string) => void): void {
    const name = this.nameOf(channel);
    const isNew = !this.#channels.has(name);
    this.#channels.set(name, onNotice);
    // ioredis subscribes again by itself when it has to connect again.
    if (isNew)
      this.#open()
        .subscribe(name)
        .catch(() => this.#channels.delete(name));
  }

  close(): void {
    if (this.#subscriber === undefined || this.#subscriber === this.#client) return;
    this.#subscriber.disconnect();
  }

  #open(): AzureRedisClient {
    this.#subscriber ??= this.#subscribe();
    return this.#subscriber;
  }

  #subscribe(): AzureRedisClient {
    const client = 'nodes' in this.#client ? this.#client : duplicateOf(this.#client);
    client.on('message', (name: string, text: string) => this.#channels.get(name)?.(text));
    return client;
  }
}

function duplicateOf(client: Redis): Redis {
  const copy = client.duplicate();
  // The client says what is wrong with Redis; ioredis prints what nobody listens to.
  copy.on('error', () => undefined);
  return copy;
}
