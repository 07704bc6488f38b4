import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DOCTOR_FLAGS } from '../../../lib/cli/doctor/doctor-flags.js';
import { LOCAL_FLAGS } from '../../../lib/cli/local/local-flags.js';
import { run } from './recording-surroundings.js';

const manifest = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
) as { version: string; bin: Record<string, string> };

describe('help', () => {
  it.each(['--help', '-h', 'help'])('comes with %s', async (flag) => {
    const { exitCode, stdout, stderr } = await run([flag]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/doctor .*\n {2}local /);
  });

  it.each([
    ['doctor', DOCTOR_FLAGS],
    ['local', LOCAL_FLAGS],
  ] as const)('of %s names every flag', async (command, flags) => {
    const { exitCode, stdout } = await run([command, '--help']);
    expect(exitCode).toBe(0);
    const named = Array.from(stdout.matchAll(/^ {2}--([a-z-]+)/gm), ([, name]) => name);
    expect(new Set(named)).toEqual(new Set(Object.keys(flags)));
  });

  it('of doctor says where secrets come from, and what machines get', async () => {
    const { stdout } = await run(['doctor', '--help']);
    expect(stdout).toContain('Secrets are read from the environment only, never from flags.');
    expect(stdout).toContain('{ ok, steps: [{ step, state, ms, fact, advice: [], facts: {} }] }');
  });

  it('is what an empty command line gets, as an error', async () => {
    const { exitCode, stdout, stderr } = await run([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: npx nestjs-azure-redis <command>');
  });
});

it('--version is the one of the package', async () => {
  expect(await run(['--version'])).toEqual({
    exitCode: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['docter'], /^Expected a command, got an unknown name\. Did you mean doctor\?$/m],
    [['lokal'], /Did you mean local\?$/m],
    [['constructor'], /Use doctor or local\.$/m],
    [['doctor', '--hots', 'x'], /^Expected a known flag, got --hots\. Did you mean --host\?$/m],
    [['doctor', '--clientid=x'], /got --clientid\. Did you mean --client-id\?$/m],
    [['doctor', '--frobnicate'], /got --frobnicate\. Known are --host, --port, /],
    [['doctor', '-x'], /got --x\. Known are/],
    [['doctor', 'my-cache.redis.azure.net'], /^Expected flags only, got a word without one\./],
    [['doctor', '--host'], /--host.*argument missing/],
    [['doctor', '--json=yes'], /--json.*does not take an argument/],
    [
      ['doctor', '--timeout', '5'],
      /^--timeout: expected a time from 1ms to 5m, got 5 without a unit/,
    ],
    [['local', '--clutser'], /Did you mean --cluster\?$/m],
    [['local', '--env-file', '.env'], /Node itself takes it: write --write-env <path>\.$/m],
    [
      ['local', '--token-lifetime', '1s'],
      /from 2s to 24h, got 1s; write e\.g\. 1500ms, 60s, 5m or 1h/,
    ],
    [['local', '--port', '70000'], /^--port: expected a whole number from 1 to 65535/],
    [['local', '--cluster', '--port', '65535'], /from 1 to 65533/],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\nnpx nestjs-azure-redis .*--help shows what it knows\.\n$/);
  });

  it.each(['client-secret', 'password', 'token', 'access-key'])(
    'is not told the value of --%s',
    async (flag) => {
      for (const args of [[`--${flag}=sesame`], [`--${flag}`, 'sesame']]) {
        const { exitCode, stdout, stderr } = await run(['doctor', ...args]);
        expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
        expect(stderr).toContain(`got --${flag}. No secret is a flag: `);
        expect(stderr).not.toContain('sesame');
      }
    },
  );
});
