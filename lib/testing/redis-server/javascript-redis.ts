import type { NetConnectOpts } from 'node:net';
import { LocalAzureError } from '../local-azure.errors.js';
import type { RedisBackend } from './redis-backend.js';

type CreateRedisServer = () => Promise<{
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}>;

/** js-redis-server, in this process: for a first look on a machine that has only Node. */
export class JavaScriptRedis implements RedisBackend {
  readonly description =
    'js-redis-server, a Redis in JavaScript, because redis-server is not installed';
  readonly passwords = undefined;
  readonly #create: CreateRedisServer;
  #server: Awaited<ReturnType<CreateRedisServer>> | undefined;

  private constructor(create: CreateRedisServer) {
    this.#create = create;
  }

  static async load(): Promise<JavaScriptRedis> {
    try {
      const { createRedisServer } = await import('js-redis-server');
      return new JavaScriptRedis(() => createRedisServer());
    } catch (error) {
      throw new LocalAzureError(
        'REDIS_NOT_FOUND',
        'Expected redis-server or valkey-server on PATH, or the package js-redis-server. Install one: npm install --save-dev js-redis-server',
        { cause: error },
      );
    }
  }

  address(): NetConnectOpts | undefined {
    return this.#server && { host: this.#server.host, port: this.#server.port };
  }

  async start(): Promise<void> {
    this.#server ??= await this.#create();
  }

  async stop(): Promise<void> {
    const running = this.#server;
    this.#server = undefined;
    await running?.close();
  }

  freeze(): void {
    throw notSupported('be frozen');
  }

  thaw(): void {
    // It was never frozen.
  }
}

const notSupported = (what: string): LocalAzureError =>
  new LocalAzureError(
    'NOT_SUPPORTED',
    `js-redis-server cannot ${what}. Install redis-server and start again.`,
  );
