import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { locateProgram } from '../../environment/provide-redis.js';
import { planRedis, type RedisPlanInput } from '../../environment/redis-plan.js';

const machine = (
  programs: readonly string[],
  input: Partial<Omit<RedisPlanInput, 'locate'>> = {},
): RedisPlanInput => ({
  platform: 'linux',
  uid: 0,
  environment: {},
  locate: (program) => programs.find((path) => path === program || path.endsWith(`/${program}`)),
  ...input,
});

describe('planRedis', () => {
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
