import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../contract/testing/temporary-folder.js';
import { eventually } from '../../fixtures/eventually.js';
import { descendants, isRunning } from '../sample/process-tree.js';
import { type Running, useBuiltCli } from './built-cli.js';

const cli = useBuiltCli();

/** `local` with these flags, once it is ready. */
async function startLocal(...flags: string[]): Promise<Running> {
  const running = cli.start(['local', ...flags]);
  await running.untilWritten('# Ctrl-C ends it.\n');
  return running;
}

/** What a shell runs after it has read the output. */
async function afterReading({ stdout }: Running, command: string): Promise<string> {
  const shell = await promisify(execFile)('sh', ['-e', '-c', `${stdout()}\n${command}`], {
    env: { PATH: process.env['PATH'] },
  });
  return shell.stdout.trim();
}

const doctor = (...flags: string[]): string =>
  [process.execPath, cli.file, 'doctor', ...flags].join(' ');

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await takePort(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function takePort(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

describe('local', { timeout: 30_000 }, () => {
  it.each([
    ['redis-server', [], '() => azureRedisOptionsFromEnv()'],
    [
      'cluster of 3 nodes',
      ['--cluster'],
      "() => ({ ...azureRedisOptionsFromEnv(), topology: 'cluster' })",
    ],
  ] as const)(
    'prints what a shell needs for a doctor that finds nothing (%s)',
    async (redis, flags, code) => {
      const running = await startLocal(...flags);
      const output = running.stdout();
      expect(output).toMatch(new RegExp(`^# Local Azure: ${redis}`));
      expect(output).toContain(code);
      const [, advised = ''] =
        /^# Check it: npx nestjs-azure-redis doctor(.*)$/m.exec(output) ?? [];
      expect(await afterReading(running, doctor(advised))).toMatch(/\nAll holds\.$/);
    },
  );

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'ends all that it started with %s',
    async (signal) => {
      const running = await startLocal();
      const folder = dirname(await afterReading(running, 'echo "$NODE_EXTRA_CA_CERTS"'));
      const children = await descendants(running.pid);
      expect(children.length).toBeGreaterThan(0);
      expect(existsSync(folder)).toBe(true);
      running.kill(signal);
      expect(await running.ended).toMatchObject({ exitCode: 0, signal: null, stderr: '' });
      expect(children.filter(isRunning)).toEqual([]);
      expect(existsSync(folder)).toBe(false);
    },
  );

  it('leaves nothing behind when it is interrupted while it starts', async () => {
    const running = cli.start(['local', '--cluster']);
    await eventually('it starts Redis', async () => (await descendants(running.pid)).length > 0);
    const children = await descendants(running.pid);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ exitCode: 0, signal: null });
    expect(children.filter(isRunning)).toEqual([]);
  });

  it('writes the environment to a private file, which Node reads, and removes it', async () => {
    const file = join(await temporaryFolder(), '.env.local');
    const running = await startLocal('--write-env', file);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [`--env-file=${file}`, '-p', 'JSON.stringify(process.env)'],
      { env: {} },
    );
    const read = JSON.parse(stdout) as Record<string, string>;
    const script = `exec ${process.execPath} -p 'JSON.stringify(process.env)'`;
    const exported = JSON.parse(await afterReading(running, script)) as Record<string, string>;
    expect(Object.keys(read)).toContain('AZURE_CLIENT_SECRET');
    expect(exported).toMatchObject(read);
    running.kill('SIGINT');
    await running.ended;
    expect(existsSync(file)).toBe(false);
  });

  it('takes over a file that a killed run has left, and no other', async () => {
    const file = join(await temporaryFolder(), '.env');
    const killed = await startLocal('--write-env', file);
    const before = await readFile(file, 'utf8');
    killed.kill('SIGKILL');
    await killed.ended;
    const next = await startLocal('--write-env', file);
    expect(await readFile(file, 'utf8')).not.toBe(before);
    next.kill('SIGINT');
    await next.ended;

    await writeFile(file, 'MINE=1\n');
    const refused = await cli.run(['local', '--write-env', file]);
    expect(refused).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/^--write-env: .*Name another path, or move that file away\./),
    });
    expect(await readFile(file, 'utf8')).toBe('MINE=1\n');
  });

  it('issues tokens that live as long as --token-lifetime says', async () => {
    const running = await startLocal('--token-lifetime', '30s');
    const report = JSON.parse(await afterReading(running, doctor('--json'))) as {
      steps: { step: string; facts: { expiresAt?: string } }[];
    };
    const { expiresAt = '' } = report.steps.find(({ step }) => step === 'token')?.facts ?? {};
    const remaining = Date.parse(expiresAt) - Date.now();
    expect(remaining).toBeGreaterThan(10_000);
    expect(remaining).toBeLessThanOrEqual(30_000);
  });

  it('has Redis on the port that is asked for, or says that it is taken', async () => {
    const port = await freePort();
    const running = await startLocal('--port', String(port));
    expect(await afterReading(running, 'echo "$REDIS_PORT"')).toBe(String(port));
    const second = await cli.run(['local', '--port', String(port)]);
    expect(second).toMatchObject({
      exitCode: 1,
      stderr: `Expected port ${port} on 127.0.0.1 to be free. End the program that listens there, or name another port.\n`,
    });
  });

  it('says how to install Redis when there is none', async () => {
    const { exitCode, stderr } = await cli.run(['local'], { PATH: await temporaryFolder() });
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/install.*redis/i);
  });

  it('does without Redis where --allow-javascript-redis is given', async () => {
    const running = cli.start(['local', '--allow-javascript-redis'], {
      PATH: await temporaryFolder(),
    });
    await running.untilWritten('# Local Azure: js-redis-server');
    await running.untilWritten('# Ctrl-C ends it.\n');
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
