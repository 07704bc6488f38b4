import type { NetConnectOpts } from 'node:net';
import { join } from 'node:path';
import type { AclUsers } from './acl-users.js';
import type { RedisBackend } from './redis-backend.js';
import { RedisProcess } from './redis-process.js';

/** One real redis-server on a Unix socket, which takes no port. */
export class StandaloneRedis implements RedisBackend {
  readonly description: string;
  readonly #program: string;
  readonly #workspace: string;
  readonly #users: AclUsers;
  readonly #onLoss: (log: string) => void;
  #process: RedisProcess | undefined;
  #socket = '';

  constructor(
    program: string,
    description: string,
    workspace: string,
    users: AclUsers,
    onLoss: (log: string) => void,
  ) {
    this.#program = program;
    this.description = description;
    this.#workspace = workspace;
    this.#users = users;
    this.#onLoss = onLoss;
  }

  address(): NetConnectOpts | undefined {
    return this.#process ? { path: this.#socket } : undefined;
  }

  get passwords(): ReadonlyMap<string, string> {
    return this.#users.passwords;
  }

  async start(): Promise<void> {
    if (this.#process) return;
    this.#process = await RedisProcess.start(
      this.#program,
      this.#workspace,
      (folder) => {
        this.#socket = join(folder, 'redis.sock');
        return [
          'port 0',
          `unixsocket "${this.#socket}"`,
          ...inMemory(folder),
          ...this.#users.config,
        ];
      },
      {},
      this.#onLoss,
    );
  }

  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    await running?.stop();
  }

  freeze(): void {
    this.#process?.freeze();
  }

  thaw(): void {
    this.#process?.thaw();
  }
}

/** Configuration of every node: nothing is written to disk. */
export const inMemory = (folder: string): readonly string[] => [
  `dir "${folder}"`,
  'save ""',
  'appendonly no',
  'daemonize no',
  'protected-mode no',
];
