import { execFile, spawn, type ExecFileException } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CurvesReport } from '../bench/curves/report/curves-report.interface.js';
import type { BenchReport } from '../bench/report/report.interface.js';

const modules = dirname(dirname(createRequire(import.meta.url).resolve('vitest/package.json')));

/** The bench as JavaScript, with a folder of its own: others may run it at the same time. */
let folder = '';
beforeAll(async () => {
  // Below node_modules, so that the packages resolve from there.
  folder = await mkdtemp(join(modules, '.bench-'));
  await build({
    configFile: fileURLToPath(new URL('../bench/vite.config.ts', import.meta.url)),
    logLevel: 'error',
    build: { outDir: folder },
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const main = (): string => join(folder, 'test/bench/main.js');

interface Run {
  readonly code: ExecFileException['code'];
  readonly stdout: string;
  readonly stderr: string;
}

const bench = (...args: string[]): Promise<Run> =>
  new Promise((resolve) => {
    const options = { cwd: folder, timeout: 100_000 };
    execFile(process.execPath, [main(), ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });

/** Command lines of processes that run what the bench is made of. */
async function runningParts(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'args=']);
  return stdout.split('\n').filter((line) => line.includes(folder));
}

describe('npm run bench', { timeout: 120_000 }, () => {
  it('prints one JSON document, and nothing else', async () => {
    const only = ['bareMap', 'stockSpeedupFastify', 'importMs'].flatMap((name) => ['--only', name]);
    const { code, stdout, stderr } = await bench('--quick', '--json', ...only);
    expect(stderr).toContain('round 1 of 1: redisHitFastify: ');
    expect(code).toBe(0);
    const report: BenchReport = JSON.parse(stdout);
    expect(Date.parse(report.date)).toBeGreaterThan(Date.now() - 120_000);
    expect(report).toMatchObject({
      versions: { node: process.versions.node, redis: expect.stringMatching(/^\d+\./) },
      machine: expect.stringMatching(/^\d+ cores of /),
      noise: expect.any(Array),
    });
    expect(report.rows.map(({ name }) => name)).toEqual([
      'bareMap',
      'stockRedisFastify',
      'redisHitFastify',
    ]);
    for (const row of report.rows) {
      expect(row).toMatchObject({
        requestsPerSecond: expect.any(Number),
        p50Us: expect.any(Number),
        p99Us: expect.any(Number),
        cpuUs: expect.any(Number),
      });
    }
    expect(report.ratios).toEqual({
      stockSpeedupFastify: expect.any(Number),
      importMs: expect.any(Number),
    });
    expect(report.goals).toEqual([
      expect.objectContaining({
        name: 'stockSpeedupFastify',
        better: 'more',
        threshold: 1.8,
        value: report.ratios['stockSpeedupFastify'],
        verdict: expect.stringMatching(/^(reached|missed)$/),
      }),
      expect.objectContaining({
        name: 'importMs',
        better: 'less',
        threshold: 40,
        value: report.ratios['importMs'],
        verdict: expect.stringMatching(/^(reached|missed)$/),
      }),
    ]);
    await expect(runningParts()).resolves.toEqual([]);
  });

  it.each([
    ['entries', 'hit in Redis', 10_000],
    ['nodes', 'hit in Redis', 3],
    ['processes', 'near hit', 2],
    ['fanOut', 'followers of one call', 10],
  ])('measures the curve %s, and writes its table and its picture', async (name, series, x) => {
    const { code, stdout } = await bench(
      '--curves',
      '--quick',
      '--json',
      '--write',
      '--only',
      name,
    );
    const report: CurvesReport = JSON.parse(stdout);
    expect({ code, ...report }).toMatchObject({ code: 0, rounds: 1, seconds: 1, failed: [] });
    expect(report.curves).toHaveLength(1);
    const [curve] = report.curves;
    const measured = curve?.quantities.map((quantity) => [
      quantity.name,
      { median: expect.any(Number) },
    ]);
    const values = Object.fromEntries(measured ?? []);
    expect(curve?.points.at(-1)).toMatchObject({ series, x, values });
    const results = join(folder, 'test/bench');
    const text = await readFile(join(results, 'RESULTS.md'), 'utf8');
    const picture = /!\[.*\]\((.*)\)/.exec(text)?.[1] ?? 'no picture';
    await expect(readFile(join(results, picture), 'utf8')).resolves.toMatch(/^<svg /);
    await expect(runningParts()).resolves.toEqual([]);
  });

  it('names what there is when a name is wrong', async () => {
    const { code, stdout, stderr } = await bench('--only', 'nothing');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('got nothing. There are:\n');
    expect(stderr).toContain('\nstreamReplay\n');
  });

  it('ends everything that it has started on Ctrl-C', async () => {
    const child = spawn(process.execPath, [main(), '--only', 'bareMap', '--rounds', '100'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    await expect(exited).resolves.toEqual([130, null]);
    await expect(runningParts()).resolves.toEqual([]);
  });
});
