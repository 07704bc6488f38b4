import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { LocalAzureError } from '../local-azure.errors.js';

/**
 * Runs Redis beside a watchdog that reads our pipe: a line means "stop"; the end of the pipe
 * without one means that this process is gone, and then the whole workspace goes too.
 */
const WATCHDOG = `
workspace=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & redis=$!
{ read -r stop <&3 || rm -rf "$workspace"; kill -9 "$redis"; } >/dev/null 2>&1 & watchdog=$!
exec 3<&-
echo "pid $redis"
wait "$redis"; code=$?
kill "$watchdog" 2>/dev/null; wait "$watchdog"
exit "$code"
`;

const START_DEADLINE_MS = 10_000;
const REMEMBERED_LOG_LINES = 6;

/** What a running redis-server is told at its start, one line each. */
export type RedisConfig = readonly string[];

/** One redis-server, in a folder of its own. */
export class RedisProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #folder: string;
  readonly #log: string[] = [];
  readonly #exited: Promise<void>;
  #pid: number | undefined;
  #isStopping = false;

  private constructor(
    program: string,
    workspace: string,
    folder: string,
    onLoss: (log: string) => void,
  ) {
    this.#folder = folder;
    // A group of its own: Ctrl-C must reach our process, and Redis only through it.
    this.#child = spawn(
      'sh',
      ['-c', WATCHDOG, 'redis-watchdog', workspace, program, join(folder, 'redis.conf')],
      { stdio: ['pipe', 'pipe', 'ignore'], detached: true },
    );
    this.#child.stdin.on('error', () => undefined);
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('exit', () => {
        resolve();
        if (!this.#isStopping) onLoss(this.#log.join('\n'));
      });
    });
  }

  /** Resolves when it accepts connections. `files` are put into its folder beforehand. */
  static async start(
    program: string,
    workspace: string,
    config: (folder: string) => RedisConfig,
    files: Readonly<Record<string, string>>,
    onLoss: (log: string) => void,
  ): Promise<RedisProcess> {
    const folder = await mkdtemp(join(workspace, 'redis-'));
    const all = { ...files, 'redis.conf': `${config(folder).join('\n')}\n` };
    await Promise.all(
      Object.entries(all).map(([name, text]) =>
        writeFile(join(folder, name), text, { mode: 0o600 }),
      ),
    );
    let isReady = false;
    const started = new RedisProcess(program, workspace, folder, (log) => {
      if (isReady) onLoss(log);
    });
    try {
      await started.#untilReady(program);
    } catch (error) {
      await started.stop();
      throw error;
    }
    isReady = true;
    return started;
  }

  freeze(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#pid = undefined;
    this.#child.stdin.end('stop\n');
    await this.#exited;
    this.#child.stdout.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #untilReady(program: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      const fail = (what: string): void =>
        reject(
          new LocalAzureError(
            'REDIS_NOT_STARTED',
            `${program} ${what}. Its last words:\n${this.#log.join('\n')}`,
          ),
        );
      timer = setTimeout(() => fail('was not ready in time'), START_DEADLINE_MS);
      void this.#exited.then(() => fail('ended at once'));
      let rest = '';
      this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          if (this.#read(line)) resolve();
        }
      });
    });
    await ready.finally(() => clearTimeout(timer));
  }

  /** Whether the line says that Redis is ready. */
  #read(line: string): boolean {
    const pid = /^pid (\d+)$/.exec(line)?.[1];
    if (pid !== undefined) this.#pid = Number(pid);
    this.#log.push(line);
    if (this.#log.length > REMEMBERED_LOG_LINES) this.#log.shift();
    return /ready to accept connections/i.test(line);
  }
}

/** `redis-server 7.0.15 at /usr/bin/redis-server`. */
export async function describeProgram(program: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ['--version']);
    const version = /v=(\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
    const name = /valkey/i.test(stdout) ? 'valkey-server' : 'redis-server';
    return `${name} ${version} at ${program}`;
  } catch (error) {
    throw new LocalAzureError(
      'REDIS_NOT_STARTED',
      `${program} --version failed. Expected a redis-server or valkey-server that runs here.`,
      { cause: error },
    );
  }
}
