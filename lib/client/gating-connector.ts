import { connect as connectTcp, Socket, type NetConnectOpts } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import { AzureRedisError } from '../azure-redis.errors.js';
import type { EntraTokenManager } from '../token/entra-token-manager.js';

type ConnectorConstructor = NonNullable<RedisOptions['Connector']>;

/** What ioredis hands to the constructor of its `Connector` option: its resolved options. */
type ConnectorOptions = RedisOptions & { disconnectTimeout: number };

/**
 * The `Connector` option of ioredis: opens a socket only once there is a usable token.
 *
 * A failure to get one is answered with a destroyed socket, not a rejection: a rejection ends the
 * client for good, while a destroyed socket goes through `retryStrategy` and keeps the offline
 * queue.
 */
export function createGatingConnector(
  tokens: EntraTokenManager,
  waitMs: number,
): ConnectorConstructor {
  return class GatingConnector extends AbstractConnector {
    readonly #options: ConnectorOptions;
    #attempt = 0;

    constructor(resolved: unknown) {
      // ioredis declares `unknown` and passes `this.options`.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const options = resolved as ConnectorOptions;
      super(options.disconnectTimeout);
      this.#options = options;
    }

    override async connect(): Promise<Socket | TLSSocket> {
      this.connecting = true;
      delete this.firstError;
      const attempt = ++this.#attempt;
      try {
        await tokens.acquire(waitMs);
      } catch (error) {
        // There will never be a token again: a client that nobody closed ends as well.
        if (error instanceof AzureRedisError && error.code === 'CLOSED') throw error;
        return this.#destroyed(error);
      }
      // disconnect() during the wait must not open a socket afterwards.
      if (!this.connecting || attempt !== this.#attempt) return this.#destroyed();
      try {
        const stream = openSocket(this.#options);
        stream.once('error', (error) => {
          this.firstError = error;
        });
        this.stream = stream;
        return stream;
      } catch (error) {
        return this.#destroyed(error);
      }
    }

    #destroyed(reason?: unknown): Socket {
      if (reason instanceof Error) this.firstError = reason;
      const socket = new Socket();
      socket.destroy();
      return socket;
    }
  };
}

function openSocket(options: RedisOptions): Socket | TLSSocket {
  const { host = '127.0.0.1', port = 6379, family } = options;
  const address: NetConnectOpts = { host, port, ...(family !== undefined && { family }) };
  return options.tls ? connectTls({ ...address, ...options.tls }) : connectTcp(address);
}
