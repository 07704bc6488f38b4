import { createSecureContext } from 'node:tls';
import type { Certificate } from '../certificates.js';
import type { TokenIssuer } from '../entra/token-issuer.js';
import { LocalAzureError } from '../local-azure.errors.js';
import type { RedisBackend } from '../redis-server/redis-backend.js';
import { FrontDoor } from './front-door.js';
import type { FrontDoorConnection, FrontDoorSettings } from './front-door-connection.js';
import type { LocalRedisFront } from './local-redis-front.interface.js';
import { RedisFaults } from './redis-faults.js';
import { RedisStatistics } from './redis-statistics.js';

export interface RedisFrontOptions {
  readonly nodes: number;
  readonly certificate: Certificate;
  readonly issuer: TokenIssuer;
  /** Whom `revoke()` means. */
  readonly objectId: string;
}

export class RedisFront implements LocalRedisFront {
  readonly #faults = new RedisFaults();
  readonly #statistics = new RedisStatistics();
  readonly #doors: readonly FrontDoor[];
  readonly #options: RedisFrontOptions;
  readonly #settings: Omit<FrontDoorSettings, 'passwords'>;
  #backend: RedisBackend | undefined;
  #isServerUp = false;
  #lastChange: Promise<void> = Promise.resolve();

  constructor(options: RedisFrontOptions) {
    const { certificate, issuer, nodes } = options;
    this.#options = options;
    this.#settings = {
      secureContext: createSecureContext({
        cert: certificate.certificate,
        key: certificate.privateKey,
        minVersion: 'TLSv1.2',
      }),
      faults: this.#faults,
      statistics: this.#statistics,
      judge: (token, username) => issuer.judge(token, username),
      now: () => issuer.now(),
    };
    this.#doors = Array.from(
      { length: nodes },
      (_, index) =>
        new FrontDoor(
          () => ({ ...this.#settings, passwords: this.#backend?.passwords }),
          () => this.#backend?.addresses[index],
        ),
    );
  }

  /** Takes the ports; a cluster announces them before it starts. */
  async open(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.open()));
  }

  /** Starts the server; from then on clients get through. */
  async startServer(backend: RedisBackend): Promise<void> {
    this.#backend = backend;
    await this.#inTurn(() => this.#start(backend));
  }

  /** The server went away without being asked. */
  lostServer(): void {
    this.#isServerUp = false;
    this.refuse();
  }

  /** Stops the server and closes the doors. */
  async close(): Promise<void> {
    const backend = this.#backend;
    this.#backend = undefined;
    await this.#inTurn(async () => {
      await backend?.stop();
    });
    await Promise.all(this.#doors.map((door) => door.close()));
  }

  get auths(): number {
    return this.#statistics.auths;
  }

  get rejected(): number {
    return this.#statistics.rejected;
  }

  get expired(): number {
    return this.#statistics.expired;
  }

  get commands(): number {
    return this.#statistics.commands;
  }

  get connections(): number {
    return this.#doors.reduce((sum, door) => sum + door.openSockets, 0);
  }

  get ports(): readonly number[] {
    return this.#doors.map((door) => door.port);
  }

  resetStatistics(): void {
    this.#statistics.reset();
  }

  kill(how: 'fin' | 'rst' = 'fin'): void {
    for (const connection of this.#connections()) connection.close(how);
  }

  refuse(): void {
    for (const door of this.#doors) door.refuse();
    this.kill();
  }

  stall(): void {
    this.#faults.isStalled = true;
  }

  blackhole(): void {
    this.#faults.isBlackHole = true;
    for (const connection of this.#connections()) connection.lose();
  }

  delay(ms: number): void {
    this.#faults.replyDelayMs = ms;
  }

  delayAuth(ms: number): void {
    this.#faults.authDelayMs = ms;
  }

  rejectAuth(times: number = Infinity): void {
    this.#faults.rejectAuth(times);
  }

  failCommands(message: string, times: number = Infinity): void {
    this.#faults.failCommands(message, times);
  }

  revoke(objectId: string = this.#options.objectId): void {
    this.#options.issuer.revoke(objectId);
    for (const connection of this.#connections()) {
      if (connection.objectId === objectId) connection.close('fin');
    }
  }

  recover(): void {
    this.#options.issuer.forgive();
    this.#faults.clear();
    this.#backend?.thaw();
    if (this.#isServerUp) void this.#reopen();
    for (const connection of this.#connections()) connection.resume();
  }

  freeze(): void {
    this.#backend?.freeze();
  }

  thaw(): void {
    this.#backend?.thaw();
  }

  shutdownServer(): Promise<void> {
    return this.#inTurn(() => this.#shutDown(this.#running()));
  }

  restartServer(): Promise<void> {
    return this.#inTurn(async () => {
      const backend = this.#running();
      await this.#shutDown(backend);
      await this.#start(backend);
      await this.#reopen();
    });
  }

  async moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void> {
    await this.#running().moveSlot(slot, fromIndex, toIndex);
  }

  async #start(backend: RedisBackend): Promise<void> {
    await backend.start();
    this.#isServerUp = true;
  }

  async #shutDown(backend: RedisBackend): Promise<void> {
    this.#isServerUp = false;
    this.refuse();
    await backend.stop();
  }

  #running(): RedisBackend {
    if (this.#backend) return this.#backend;
    throw new LocalAzureError('STOPPED', 'The local Azure was stopped. Start another one.');
  }

  /** A server that is still starting would outlive the stop that did not wait for it. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#lastChange.then(change);
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }

  async #reopen(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.reopen()));
  }

  #connections(): FrontDoorConnection[] {
    return this.#doors.flatMap((door) => [...door.connections]);
  }
}
