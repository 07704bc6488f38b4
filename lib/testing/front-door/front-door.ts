import { createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import { FrontDoorConnection, type FrontDoorSettings } from './front-door-connection.js';
import { connectReplica, isReplicaGreeting } from './replication-line.js';
import { FRONT_DOOR_PORTS, listenAt, listenInRange, listenOn } from './loopback-port.js';

const REOPEN_ATTEMPTS = 100;
const REOPEN_PAUSE_MS = 20;

/** One TLS port, in front of one Redis node. */
export class FrontDoor {
  readonly connections = new Set<FrontDoorConnection>();
  readonly #settings: () => FrontDoorSettings;
  readonly #redisAddress: () => NetConnectOpts | undefined;
  /** Sockets that a black hole accepted, and all others of clients. */
  readonly #sockets = new Set<Socket>();
  readonly #replicas = new Set<Socket>();
  readonly #server: Server;
  #port = 0;
  /** What is wanted; listening follows a moment later. */
  #isOpen = true;
  #reopening: Promise<void> | undefined;

  constructor(settings: () => FrontDoorSettings, redisAddress: () => NetConnectOpts | undefined) {
    this.#settings = settings;
    this.#redisAddress = redisAddress;
    // A client that ends its side still gets the replies that are under way.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.on('error', () => undefined);
  }

  get port(): number {
    return this.#port;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  async open(port?: number): Promise<void> {
    this.#port =
      port === undefined
        ? await listenInRange(this.#server, FRONT_DOOR_PORTS)
        : await listenAt(this.#server, port);
  }

  /** New clients get ECONNREFUSED. */
  refuse(): void {
    this.#isOpen = false;
    // To close a server that is about to listen leaves its listen() without an answer for ever.
    if (!this.#reopening) this.#server.close();
  }

  /** Listens again on its own port, which nobody else should have taken meanwhile. */
  reopen(): Promise<void> {
    this.#isOpen = true;
    this.#reopening ??= this.#listenAgain().finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  /** Closes the door for good and cuts everybody off. */
  async close(): Promise<void> {
    this.refuse();
    await this.#reopening;
    for (const connection of this.connections) connection.close('rst');
    for (const socket of [...this.#sockets, ...this.#replicas]) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  async #listenAgain(): Promise<void> {
    for (let attempt = 0; attempt < REOPEN_ATTEMPTS; attempt += 1) {
      if (!this.#isOpen || this.#server.listening) return;
      if (await listenOn(this.#server, this.#port)) {
        // It may have been refused again meanwhile.
        if (!this.#isOpen) this.#server.close();
        return;
      }
      await new Promise((resolve) => {
        setTimeout(resolve, REOPEN_PAUSE_MS).unref();
      });
    }
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (!this.#settings().hasReplicas) {
      this.#serve(socket);
      return;
    }
    const left = (): void => void socket.destroy();
    socket.once('end', left);
    socket.once('data', (bytes: Buffer) => {
      socket.off('end', left).pause();
      socket.unshift(bytes);
      if (isReplicaGreeting(bytes)) this.#serveReplica(socket);
      else this.#serve(socket);
    });
  }

  #serve(socket: Socket): void {
    const settings = this.#settings();
    const address = this.#redisAddress();
    if (settings.faults.isBlackHole) {
      socket.resume().once('end', () => socket.destroy());
      return;
    }
    if (!address || !settings.isServing) {
      socket.destroy();
      return;
    }
    const connection = new FrontDoorConnection(socket, address, settings);
    this.connections.add(connection);
    socket.once('close', () => this.connections.delete(connection));
  }

  /** Replication is the cluster's own affair: not counted, and spared by the faults. */
  #serveReplica(socket: Socket): void {
    this.#sockets.delete(socket);
    this.#replicas.add(socket);
    socket.once('close', () => this.#replicas.delete(socket));
    const address = this.#redisAddress();
    if (address) connectReplica(socket, address);
    else socket.destroy();
  }
}
