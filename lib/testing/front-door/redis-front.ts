import { createSecureContext } from 'node:tls';
import type { Certificate } from '../certificates.js';
import type { TokenIssuer } from '../entra/token-issuer.js';
import { LocalAzureError } from '../local-azure.errors.js';
import type { RedisBackend } from '../redis-server/redis-backend.js';
import { ClusterChanges } from './cluster-changes.js';
import { FrontDoors } from './front-doors.js';
import type { LocalRedisFront } from './local-redis-front.interface.js';
import { RedisFaults } from './redis-faults.js';
import { RedisStatistics } from './redis-statistics.js';

export interface RedisFrontOptions {
  readonly nodes: number;
  /** Of the first node; the others follow. */
  readonly port: number | undefined;
  readonly certificate: Certificate;
  readonly issuer: TokenIssuer;
  readonly hasReplicas: boolean;
  readonly refusesClusterCommands: boolean;
  /** Whom `revoke()` means. */
  readonly objectId: string;
}

export class RedisFront implements LocalRedisFront {
  readonly #faults = new RedisFaults();
  readonly #statistics = new RedisStatistics();
  readonly #doors: FrontDoors;
  readonly #changes: ClusterChanges;
  readonly #options: RedisFrontOptions;
  #backend: RedisBackend | undefined;
  #isServerUp = false;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: RedisFrontOptions) {
    const { certificate, issuer, hasReplicas, refusesClusterCommands } = options;
    this.#options = options;
    const settings = {
      secureContext: createSecureContext({
        cert: certificate.certificate,
        key: certificate.privateKey,
        minVersion: 'TLSv1.2',
      }),
      faults: this.#faults,
      statistics: this.#statistics,
      judge: (token: string, username: string) => issuer.judge(token, username),
      hasReplicas,
      refusesClusterCommands,
      now: () => issuer.now(),
    };
    this.#doors = new FrontDoors(
      () => ({
        ...settings,
        passwords: this.#backend?.passwords,
        isServing: this.#isServerUp,
      }),
      () => this.#backend,
    );
    this.#changes = new ClusterChanges(
      this.#doors,
      () => this.#running(),
      (change) => this.#inTurn(change),
    );
  }

  /** Takes the ports; a cluster announces them before it starts. */
  async open(): Promise<void> {
    const { nodes, port } = this.#options;
    for (let node = 0; node < nodes; node += 1) {
      await this.#doors.add(port === undefined ? undefined : port + node);
    }
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
    await this.#doors.close();
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
    return this.#doors.openSockets;
  }

  get ports(): readonly number[] {
    return this.#doors.ports;
  }

  resetStatistics(): void {
    this.#statistics.reset();
  }

  kill(how: 'fin' | 'rst' = 'fin'): void {
    for (const connection of this.#doors.connections) connection.close(how);
  }

  refuse(): void {
    this.#doors.refuseAll();
  }

  stall(): void {
    this.#faults.isStalled = true;
  }

  blackhole(): void {
    this.#faults.isBlackHole = true;
    for (const connection of this.#doors.connections) connection.lose();
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
    for (const connection of this.#doors.connections) {
      if (connection.objectId === objectId) connection.close('fin');
    }
  }

  recover(): void {
    this.#options.issuer.forgive();
    this.#faults.clear();
    this.#backend?.thaw();
    if (this.#isServerUp) void this.#doors.reopen();
    for (const connection of this.#doors.connections) connection.resume();
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
      await this.#doors.reopen();
    });
  }

  moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void> {
    return this.#changes.moveSlot(slot, fromIndex, toIndex);
  }

  beginSlotMigration(slot: number, fromIndex: number, toIndex: number): Promise<readonly string[]> {
    return this.#changes.beginSlotMigration(slot, fromIndex, toIndex);
  }

  finishSlotMigration(slot: number): Promise<void> {
    return this.#changes.finishSlotMigration(slot);
  }

  failover(index?: number): Promise<number> {
    return this.#changes.failover(index);
  }

  killMaster(index?: number): Promise<number> {
    return this.#changes.killMaster(index);
  }

  restartNode(index: number): Promise<void> {
    return this.#changes.restartNode(index);
  }

  addNode(): Promise<number> {
    return this.#changes.addNode();
  }

  removeNode(index: number): Promise<void> {
    return this.#changes.removeNode(index);
  }

  async #start(backend: RedisBackend): Promise<void> {
    if (this.#options.hasReplicas) await this.#doors.reopenAll();
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
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const turn = this.#lastChange.then(change);
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }
}
