import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startLocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { descendants, isRunning } from './process-tree.js';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const SOURCES = ['lib', 'sample', 'package.json', 'nest-cli.json', 'tsconfig.json'];
/** Builds, and token rotations in real time, on machines with two busy cores. */
const MINUTES = 180_000;

describe('npm start', { timeout: MINUTES }, () => {
  let clone: string;
  const started: ChildProcess[] = [];

  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'llm-gateway-'));
    for (const name of [...SOURCES, 'tsconfig.build.json']) {
      await cp(join(REPOSITORY, name), join(clone, name), {
        recursive: true,
        filter: (source) => basename(source) !== 'dist',
      });
    }
    await symlink(join(REPOSITORY, 'node_modules'), join(clone, 'node_modules'));
    for (const project of ['nestjs-azure-redis', '02-playground']) {
      await run(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build', project], {
        cwd: clone,
      });
    }
  }, MINUTES);
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });
  afterAll(() => rm(clone, { recursive: true, force: true }));

  /** The built sample, as a terminal runs it: in a process group of its own. */
  function start(env: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, ['sample/02-playground/dist/02-playground/main.js'], {
      cwd: clone,
      env: { PATH: process.env.PATH, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    started.push(child);
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    }
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    return {
      pid: child.pid ?? 0,
      output,
      ended,
      async serving(): Promise<string> {
        const done = () => output.stdout.includes('Ctrl-C') || child.exitCode !== null;
        await vi.waitUntil(done, { timeout: 60_000, interval: 100 });
        expect(output.stderr).toBe('');
        return output.stdout;
      },
    };
  }

  it('proves the cache and a rotation, serves, and ends with Ctrl-C without a trace', async () => {
    const sample = start({});
    const stdout = await sample.serving();
    expect(stdout).toMatch(/^Redis .*local Azure, with redis-server/m);
    expect(stdout).toMatch(/^ +1st .* X-Cache: MISS +Cache-Status: LlmCache; fwd=miss/m);
    expect(stdout).toMatch(/^ +2nd .* X-Cache: HIT +Cache-Status: LlmCache; hit/m);
    expect(stdout).toContain('  same answer: About "Why should an app');
    const ids = [...stdout.matchAll(/CLIENT ID (\d+) .* expired 0$/gm)].map(([, id]) => id);
    expect(ids).toHaveLength(2);
    expect(ids[1]).toBe(ids[0]);
    expect(stdout).toContain('same connection, re-authenticated in time');

    const [, page = ''] = /^Page +(\S+)$/m.exec(stdout) ?? [];
    expect(await (await fetch(page)).text()).toContain('<h1>nestjs-azure-redis');
    expect((await fetch(new URL('playground/style.css', page))).status).toBe(200);

    const [, url = '', body = ''] = /curl -i (\S+) .* -d '(.*)'/.exec(stdout) ?? [];
    const ask = async () => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body });
      expect(await response.json()).toHaveProperty('choices.0.finish_reason', 'stop');
      return { response };
    };
    expect((await ask()).response.headers.get('x-cache')).toBe('MISS');
    await ask();

    const children = await descendants(sample.pid);
    expect(children.length).toBeGreaterThan(0);
    process.kill(-sample.pid, 'SIGINT');
    // npm sends its child a second one.
    process.kill(sample.pid, 'SIGINT');
    expect(await within(10_000, sample.ended)).toEqual([0, null]);
    expect(sample.output.stderr).toBe('');
    await vi.waitUntil(() => !children.some(isRunning), { timeout: 5_000 });
  });

  it('does the same without a redis-server, and says so', async () => {
    const sample = start({ PATH: '' });
    const stdout = await sample.serving();
    expect(stdout).toMatch(/^Redis .*js-redis-server/m);
    expect(stdout).toMatch(/^ +2nd .* X-Cache: HIT +Cache-Status: LlmCache; hit/m);
    expect(stdout).toContain('same connection, re-authenticated in time');
    process.kill(sample.pid, 'SIGTERM');
    expect(await within(10_000, sample.ended)).toEqual([0, null]);
  });

  it('uses the Azure Redis that the environment names, with nothing local but the models', async () => {
    const azure = await startLocalAzure();
    try {
      const sample = start(azure.environment);
      const stdout = await sample.serving();
      expect(stdout).toMatch(/^Redis +localhost \(REDIS_HOST\)$/m);
      expect(stdout).toMatch(/^ +1st .* X-Cache: MISS/m);
      expect(stdout).toMatch(/^ +2nd .* X-Cache: HIT/m);
      expect(stdout).not.toContain('rotation');
      // The second one hears of other processes.
      expect(azure.redis).toMatchObject({ auths: 2, rejected: 0, connections: 2 });
      expect(await descendants(sample.pid)).toEqual([]);
      process.kill(-sample.pid, 'SIGINT');
      expect(await within(10_000, sample.ended)).toEqual([0, null]);
      expect(sample.output.stderr).toBe('');
    } finally {
      await azure.stop();
    }
  });

  it('ends at once when it is interrupted in the middle of its proof', async () => {
    const sample = start({});
    await vi.waitUntil(() => sample.output.stdout.includes('same question'), { timeout: 20_000 });
    const children = await descendants(sample.pid);
    process.kill(-sample.pid, 'SIGINT');
    expect(await within(10_000, sample.ended)).toEqual([0, null]);
    expect(sample.output.stderr).toBe('');
    await vi.waitUntil(() => !children.some(isRunning), { timeout: 5_000 });
  });

  it('says in one line that the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const sample = start({ PORT: String(port) });
    expect(await within(20_000, sample.ended)).toEqual([1, null]);
    other.close();
    expect(sample.output.stderr).toBe(
      `Port ${port} is in use. Choose another one: PORT=3001 npm start\n`,
    );
  });

  it.each([
    ['PORT', { PORT: 'http' }, /^PORT must be a number.*\n$/],
    ['OPENAI_BASE_URL', { OPENAI_BASE_URL: 'x' }, /^OPENAI_BASE_URL must be a URL.*\n$/],
    ['REDIS_SERVER', { REDIS_SERVER: '/nothing' }, /^REDIS_SERVER names \/nothing.*\n$/],
    [
      'REDIS_HOST',
      { REDIS_HOST: 'rediss://cache:10000' },
      /^These options cannot be used:\n  - REDIS_HOST/,
    ],
    ['AZURE_OPENAI_ENDPOINT', { AZURE_OPENAI_ENDPOINT: 'https://x.example' }, /needs REDIS_HOST/],
  ])('names a wrong %s and exits with 1', async (_, env: Record<string, string>, message) => {
    const sample = start(env);
    expect(await within(20_000, sample.ended)).toEqual([1, null]);
    expect(sample.output.stderr).toMatch(message);
    expect(sample.output.stderr).not.toMatch(/^ +at /m);
  });
});

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Expected an end within ${ms} ms.`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
