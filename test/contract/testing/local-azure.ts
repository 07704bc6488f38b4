import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { Redis, type RedisOptions } from 'ioredis';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import {
  startLocalAzure,
  type LocalAzure,
  type StartLocalAzureOptions,
} from '../../../lib/testing/index.js';
import { eventually } from '../../fixtures/eventually.js';

export const SCOPE = 'https://redis.azure.com/.default';

/** One local Azure for the file; each test finds it without faults and with counters at 0. */
export function useLocalAzure(options: StartLocalAzureOptions = {}): () => LocalAzure {
  let azure: LocalAzure | undefined;
  const current = (): LocalAzure => {
    if (!azure) throw new Error('The local Azure has not started');
    return azure;
  };
  beforeAll(async () => {
    azure = await startLocalAzure(options);
  });
  beforeEach(async () => {
    const { redis, entra } = current();
    entra.recover();
    redis.recover();
    redis.kill('rst');
    await eventually('the clients of the last test are gone', () => redis.connections === 0);
    redis.resetStatistics();
  });
  afterAll(async () => {
    await azure?.stop();
  });
  return current;
}

/** A client that connects once, as the application, unless told otherwise. */
export function redisClient(
  azure: LocalAzure,
  options: Pick<
    RedisOptions,
    'host' | 'tls' | 'username' | 'password' | 'protocol' | 'connectTimeout'
  > = {},
): Redis {
  const { host, port, tls } = azure.connection;
  const client = new Redis({
    host,
    port,
    tls,
    username: azure.identity.objectId,
    password: azure.entra.issue(),
    retryStrategy: () => null,
    ...options,
  });
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}

/** What the server thinks of the credentials: `ready`, or the words of its refusal. */
export function handshake(client: Redis): Promise<string> {
  return new Promise((resolve) => {
    client.once('ready', () => resolve('ready'));
    client.once('error', (error: Error) => resolve(error.message));
  });
}

/** A TLS connection that sends bytes as they are given. */
export class RawClient {
  readonly #socket: TLSSocket;
  #received = Buffer.alloc(0);
  isClosed = false;
  /** ECONNRESET or the like, when the end was not in order. */
  errorCode: string | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.errorCode = error.code;
    });
    socket.once('close', () => {
      this.isClosed = true;
    });
  }

  static async connect(azure: LocalAzure): Promise<RawClient> {
    const { host, port, tls } = azure.connection;
    const socket = connect({ host, port, ...tls });
    onTestFinished(() => {
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  get received(): Buffer {
    return this.#received;
  }

  send(bytes: Buffer | string): void {
    this.#socket.write(bytes);
  }

  /** Ends this side, as a client does that wants no more than the replies under way. */
  end(): void {
    this.#socket.end();
  }

  /** Sends a command and resolves with the first reply that comes then, which must be one line. */
  async ask(...words: string[]): Promise<string> {
    this.#received = Buffer.alloc(0);
    this.send(command(...words));
    await eventually(`a reply to ${words[0] ?? ''}`, () => this.#received.includes('\r\n'));
    return this.#received.toString();
  }

  closed(withinMs?: number): Promise<void> {
    return eventually('the connection is closed', () => this.isClosed, withinMs);
  }
}

/** The error code of a TCP connection to the loopback interface, or `connected`. */
export const tcp = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connectTcp({ host: '127.0.0.1', port });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    socket.once('connect', () => {
      resolve('connected');
      socket.destroy();
    });
  });

export const command = (...words: (string | Buffer)[]): Buffer =>
  Buffer.concat([
    Buffer.from(`*${words.length}\r\n`),
    ...words.flatMap((word) => [
      Buffer.from(`$${Buffer.byteLength(word)}\r\n`),
      Buffer.from(word),
      Buffer.from('\r\n'),
    ]),
  ]);
