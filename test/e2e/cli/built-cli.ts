import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has written so far. */
  stdout(): string;
  kill(signal: NodeJS.Signals): void;
  /** Waits until it has written this. */
  untilWritten(text: string): Promise<void>;
}

export type Variables = Readonly<Record<string, string>>;

/** The bin as JavaScript in a folder like an installed package, and what can be done with it. */
export interface BuiltCli {
  readonly file: string;
  start(args: readonly string[], environment?: Variables): Running;
  run(args: readonly string[], environment?: Variables): Promise<Ended>;
}

export function useBuiltCli(): BuiltCli {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'built-cli-'));
    await symlink(path('node_modules'), join(folder, 'node_modules'));
    await copyFile(path('package.json'), join(folder, 'package.json'));
    await build({
      configFile: false,
      logLevel: 'silent',
      root: path('.'),
      build: {
        ssr: path('lib/cli/main.ts'),
        outDir: join(folder, 'dist'),
        emptyOutDir: false,
        target: 'node20',
        rolldownOptions: {
          output: { entryFileNames: 'cli/main.js', chunkFileNames: 'cli/[name].js' },
        },
      },
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const cli: BuiltCli = {
    get file() {
      return join(folder, 'dist/cli/main.js');
    },
    start: (args, environment = {}) => startProcess([cli.file, ...args], environment),
    run: (args, environment) => cli.start(args, environment).ended,
  };
  return cli;
}

function startProcess(args: readonly string[], environment: Variables): Running {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    pid: child.pid ?? 0,
    ended: new Promise((resolve) => {
      child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }));
    }),
    stdout: () => stdout,
    kill: (signal) => void child.kill(signal),
    untilWritten: (text) => eventually(`it writes ${text}`, () => stdout.includes(text)),
  };
}
