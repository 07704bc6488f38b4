import type { NetConnectOpts } from 'node:net';
import type { RedisBackend } from '../redis-server/redis-backend.js';
import { FrontDoor } from './front-door.js';
import type { FrontDoorConnection, FrontDoorSettings } from './front-door-connection.js';

/** The front doors of all nodes, in the order in which users count them. */
export class FrontDoors {
  readonly #settings: () => FrontDoorSettings;
  readonly #backend: () => RedisBackend | undefined;
  #doors: readonly FrontDoor[] = [];

  constructor(settings: () => FrontDoorSettings, backend: () => RedisBackend | undefined) {
    this.#settings = settings;
    this.#backend = backend;
  }

  get ports(): readonly number[] {
    return this.#doors.map((door) => door.port);
  }

  get openSockets(): number {
    return this.#doors.reduce((sum, door) => sum + door.openSockets, 0);
  }

  get connections(): readonly FrontDoorConnection[] {
    return this.#doors.flatMap((door) => [...door.connections]);
  }

  /** The port of the node with this number. */
  portOf(index: number): number {
    const port = this.ports[index];
    if (port !== undefined) return port;
    throw new RangeError(`Expected a node from 0 to ${this.#doors.length - 1}, got ${index}`);
  }

  indexOf(port: number): number {
    return this.ports.indexOf(port);
  }

  /** One more door, at the end; resolves with its port, a free one unless it is named. */
  async add(port?: number): Promise<number> {
    const door: FrontDoor = new FrontDoor(this.#settings, () => this.#addressBehind(door));
    this.#doors = [...this.#doors, door];
    await door.open(port);
    return door.port;
  }

  /** Closes the door for good; those behind it move up by one. */
  async remove(port: number): Promise<void> {
    const door = this.#doors.find((each) => each.port === port);
    this.#doors = this.#doors.filter((each) => each !== door);
    await door?.close();
  }

  /** New clients of the node get ECONNREFUSED, and the others lose their connections. */
  refuse(port: number): void {
    for (const door of this.#doors) {
      if (door.port !== port) continue;
      door.refuse();
      for (const connection of door.connections) connection.close('fin');
    }
  }

  refuseAll(): void {
    for (const port of this.ports) this.refuse(port);
  }

  /** Opens the doors that have a running node behind them. */
  async reopen(): Promise<void> {
    const open = this.#doors.filter((door) => this.#addressBehind(door) !== undefined);
    await Promise.all(open.map((door) => door.reopen()));
  }

  /** For nodes that are about to start: their replicas look for them here. */
  async reopenAll(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.reopen()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#doors.map((door) => door.close()));
  }

  #addressBehind(door: FrontDoor): NetConnectOpts | undefined {
    return this.#backend()?.address(door.port);
  }
}
