import { Workspace } from '../../../lib/testing/workspace.js';
import { chooseGenerator } from '../load/choose-generator.js';
import type { LoadGenerator } from '../load/load.interface.js';
import type { Settings } from '../servers/settings.js';
import { BenchRedis } from './bench-redis.js';
import { pin, type Pinning } from './pinning.js';
import { ServerProcess, type ServerProgram } from './server-process.js';

export interface Pace {
  readonly seconds: number;
  /** Load before the measurement; none with 0. */
  readonly warmUpSeconds: number;
}

/** What all measurements share, and everything that must be ended. */
export class Bench {
  readonly pinning: Pinning;
  readonly generator: LoadGenerator;
  readonly pace: Pace;
  readonly redis: BenchRedis;
  readonly workspace: Workspace;
  readonly #servers = new Set<ServerProcess>();
  #started = 0;
  readonly #stop = new AbortController();

  private constructor(
    pinning: Pinning,
    generator: LoadGenerator,
    pace: Pace,
    redis: BenchRedis,
    workspace: Workspace,
  ) {
    this.pinning = pinning;
    this.generator = generator;
    this.pace = pace;
    this.redis = redis;
    this.workspace = workspace;
  }

  static async start(pace: Pace): Promise<Bench> {
    const pinning = await pin();
    const workspace = await Workspace.create();
    try {
      const generator = await chooseGenerator(workspace);
      const redis = await BenchRedis.start(workspace);
      return new Bench(pinning, generator, pace, redis, workspace);
    } catch (error) {
      await workspace.remove();
      throw error;
    }
  }

  /**
   * A server for as long as `use` takes, with keys of its own in the Redis of the bench unless
   * `settings` say otherwise.
   */
  async withServer<Result>(
    program: ServerProgram,
    settings: object,
    use: (server: ServerProcess) => Promise<Result>,
    prefix = this.pinning.serverPrefix,
  ): Promise<Result> {
    this.stopped.throwIfAborted();
    this.#started += 1;
    const common: Settings = { redis: this.redis.address, namespace: `bench${this.#started}` };
    const server = await ServerProcess.start(prefix, program, { ...common, ...settings });
    this.#servers.add(server);
    try {
      this.stopped.throwIfAborted();
      return await use(server);
    } finally {
      this.#servers.delete(server);
      await server.stop();
    }
  }

  /** Ends the servers, so that what waits for them fails. */
  async endServers(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.stop()));
  }

  /** Aborts with `stop()`. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Ends everything; what is under way fails. */
  async stop(): Promise<void> {
    if (this.stopped.aborted) return;
    this.#stop.abort();
    await this.endServers();
    await this.redis.stop();
    await this.workspace.remove();
  }
}
