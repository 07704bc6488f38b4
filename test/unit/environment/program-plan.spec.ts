import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { planProgram, type Machine, type ProgramPlan } from '../../environment/program-plan.js';
import { CHROMIUM, REDIS } from '../../environment/programs.js';
import { locateProgram } from '../../environment/provide-program.js';

const machine = (
  programs: readonly string[],
  input: Partial<Omit<Machine, 'locate'>> = {},
): Machine => ({
  platform: 'linux',
  uid: 0,
  environment: {},
  locate: (program) => programs.find((path) => path === program || path.endsWith(`/${program}`)),
  ...input,
});

const planRedis = (input: Machine): ProgramPlan => planProgram(REDIS, input);
const planChromium = (input: Machine): ProgramPlan => planProgram(CHROMIUM, input);

describe('the plan for Redis', () => {
  it('uses the redis-server on PATH', () => {
    expect(planRedis(machine(['/usr/bin/redis-server', '/usr/bin/valkey-server']))).toEqual({
      kind: 'use',
      path: '/usr/bin/redis-server',
    });
  });

  it('uses valkey-server where there is no redis-server', () => {
    expect(planRedis(machine(['/usr/bin/valkey-server', '/usr/bin/apt-get']))).toEqual({
      kind: 'use',
      path: '/usr/bin/valkey-server',
    });
  });

  it('prefers the program that REDIS_SERVER names', () => {
    const programs = ['/usr/bin/redis-server', '/opt/redis/redis-server-8'];
    const environment = { REDIS_SERVER: '/opt/redis/redis-server-8' };
    expect(planRedis(machine(programs, { environment }))).toEqual({
      kind: 'use',
      path: '/opt/redis/redis-server-8',
    });
  });

  it('refuses a REDIS_SERVER that does not exist instead of using another', () => {
    const environment = { REDIS_SERVER: '/opt/missing' };
    expect(
      planRedis(machine(['/usr/bin/redis-server', '/usr/bin/apt-get'], { environment })),
    ).toMatchObject({ kind: 'refuse', message: expect.stringContaining('/opt/missing') });
  });

  it('installs with apt-get as root on Debian, and says so in one line', () => {
    const plan = planRedis(machine(['/usr/bin/apt-get']));
    expect(plan).toMatchObject({
      kind: 'install',
      announcement: expect.stringMatching(/^[^\n]*redis-server[^\n]*apt-get[^\n]*$/),
      commands: [
        ['apt-get', 'update'],
        expect.arrayContaining(['apt-get', 'install', '-y', 'redis-server']),
      ],
    });
  });

  it.each([
    {
      name: 'REDIS_PROVIDE=never',
      input: machine(['/usr/bin/apt-get'], { environment: { REDIS_PROVIDE: 'never' } }),
      command: 'with: apt-get install -y redis-server',
    },
    {
      name: 'a user who is not root',
      input: machine(['/usr/bin/apt-get'], { uid: 1000 }),
      command: 'with: sudo apt-get install -y redis-server',
    },
    {
      name: 'Fedora',
      input: machine(['/usr/bin/dnf'], { uid: 1000 }),
      command: 'with: sudo dnf install -y redis',
    },
    { name: 'Alpine', input: machine(['/sbin/apk']), command: 'with: apk add redis' },
    {
      name: 'macOS, even as root',
      input: machine(['/usr/bin/apt-get'], { platform: 'darwin' }),
      command: 'with: brew install redis',
    },
    {
      name: 'Windows',
      input: machine([], { platform: 'win32', uid: undefined }),
      command: 'with: wsl --install',
    },
  ])('stops with the command that installs it: $name', ({ input, command }) => {
    expect(planRedis(input)).toMatchObject({
      kind: 'refuse',
      message: expect.stringContaining(command),
    });
  });
});

describe('the plan for a browser', () => {
  it('uses the browser that CHROMIUM names', () => {
    const environment = { CHROMIUM: '/opt/browser' };
    const programs = ['/usr/bin/chromium', '/opt/browser'];
    expect(planChromium(machine(programs, { environment }))).toEqual({
      kind: 'use',
      path: '/opt/browser',
    });
  });

  it('installs chromium with apt-get as root on Debian, where there is a Redis already', () => {
    expect(planChromium(machine(['/usr/bin/redis-server', '/usr/bin/apt-get']))).toMatchObject({
      kind: 'install',
      commands: [['apt-get', 'update'], expect.arrayContaining(['chromium'])],
    });
  });

  it('stops with the command that installs it, when CHROMIUM_PROVIDE=never forbids it', () => {
    const environment = { CHROMIUM_PROVIDE: 'never', REDIS_PROVIDE: 'always' };
    expect(planChromium(machine(['/usr/bin/apt-get'], { environment }))).toEqual({
      kind: 'refuse',
      message:
        'The tests need a real browser and found no chromium or chromium-browser or google-chrome on PATH. Install it with: apt-get install -y chromium',
    });
  });
});

describe('locateProgram', () => {
  const directory = mkdtempSync(join(tmpdir(), 'locate-program-'));
  const executable = join(directory, 'redis-server');
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('finds only files that may be executed, on the given PATH and nowhere else', () => {
    writeFileSync(executable, '', { mode: 0o755 });
    writeFileSync(join(directory, 'valkey-server'), '', { mode: 0o644 });
    const path = ['', '/nonexistent', directory].join(':');

    expect(locateProgram('redis-server', path)).toBe(executable);
    expect(locateProgram(executable, '')).toBe(executable);
    expect(locateProgram('valkey-server', path)).toBeUndefined();
    expect(locateProgram('redis-server', '/nonexistent')).toBeUndefined();
    expect(locateProgram(directory, '')).toBeUndefined();
  });
});
