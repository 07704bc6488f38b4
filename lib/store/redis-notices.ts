import type { Redis } from 'ioredis';
import type { AzureRedisClient } from '../client/create-client.js';

/** Short texts that processes send each other through Redis; one that is lost comes late or never. */
export interface Notices {
  /** The channel as Redis knows it. */
  nameOf(channel: string): string;
  /** Resolves when Redis has confirmed. May be called again; rejects with the error of ioredis. */
  listen(channel: string, onNotice: (text: string) => void): Promise<void>;
  /** Nobody is told when Redis is in trouble. */
  tell(channel: string, text: string): void;
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
  #isClosed = false;

  /** @param prefix starts every channel in Redis */
  constructor(client: AzureRedisClient, prefix: string) {
    this.#client = client;
    this.#prefix = `${prefix}:`;
  }

  nameOf(channel: string): string {
    return this.#prefix + channel;
  }

  async listen(channel: string, onNotice: (text: string) => void): Promise<void> {
    if (this.#isClosed) return;
    const name = this.nameOf(channel);
    this.#channels.set(name, onNotice);
    // ioredis subscribes again by itself when it has to connect again.
    await this.#open().subscribe(name);
  }

  tell(channel: string, text: string): void {
    // Not connected, a command would wait in a queue.
    if (this.#client.status !== 'ready') return;
    this.#client.publish(this.nameOf(channel), text).catch(() => undefined);
  }

  close(): void {
    this.#isClosed = true;
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
