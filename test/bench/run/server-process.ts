import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Order, OrderName, Report, Usage } from '../servers/orders.js';
import { SETTINGS } from '../servers/settings.js';

interface Waiting {
  readonly done: (usage: Usage) => void;
  readonly failed: (error: Error) => void;
}

const STARTS_WITHIN_MS = 20_000;
const OBEYS_WITHIN_MS = 20_000;

export type ServerProgram = 'bare' | 'nest' | 'fetch' | 'connections';

/** One server of the bench, in a process of its own. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #waiting = new Map<number, Waiting>();
  #url = '';
  #orders = 0;
  /** What it wrote: warnings, errors, the reason of its death. */
  #output = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', (error) => {
        this.#output += error.message;
        resolve(undefined);
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  /** Resolves when it listens and is connected to Redis. */
  static async start(
    prefix: readonly string[],
    program: ServerProgram,
    settings: object,
  ): Promise<ServerProcess> {
    const script = fileURLToPath(new URL(`../servers/${program}.server.js`, import.meta.url));
    const [command, ...args] = [...prefix, process.execPath, '--expose-gc', script];
    const child = spawn(command, args, {
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        [SETTINGS]: JSON.stringify(settings),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const server = new ServerProcess(child);
    try {
      await server.#inTime(STARTS_WITHIN_MS, server.#listening());
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get url(): string {
    return this.#url;
  }

  /** Its counters, once it has carried out the order and has nothing left to do. */
  ask(name: OrderName, count?: number): Promise<Usage> {
    const id = (this.#orders += 1);
    const order: Order = { id, name, ...(count !== undefined && { count }) };
    const answer = new Promise<Usage>((done, failed) => {
      this.#waiting.set(id, { done, failed });
      this.#child.send(JSON.stringify(order), (error) => error && failed(error));
    });
    return this.#inTime(OBEYS_WITHIN_MS, answer);
  }

  /** SIGKILL; resolves when it is dead. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #listening(): Promise<void> {
    this.#child.on('message', (text: unknown) => {
      const report: Report = JSON.parse(String(text));
      if (report.kind === 'listening') this.#url = report.url;
      else this.#settle(report);
    });
    await once(this.#child, 'message');
  }

  #settle(report: Exclude<Report, { kind: 'listening' }>): void {
    const waiting = this.#waiting.get(report.id);
    this.#waiting.delete(report.id);
    if (report.kind === 'done') waiting?.done(report.usage);
    else waiting?.failed(new Error(`The server failed: ${report.reason}`));
  }

  async #inTime<Value>(limitMs: number, promise: Promise<Value>): Promise<Value> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(this.#failure('is late')), limitMs);
      void this.#ended.then(() => reject(this.#failure('has ended')));
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #failure(what: string): Error {
    return new Error(`The server ${what}. Its last words:\n${this.#output.slice(-2_000)}`);
  }
}
