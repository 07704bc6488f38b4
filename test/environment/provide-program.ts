import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { planProgram, type Machine, type Program } from './program-plan.js';

// Debian's package of Redis starts a service on 6379; the tests start their own servers. SYSTEMD_OFFLINE
// is read by systemctl, RUNLEVEL by invoke-rc.d.
const QUIET_INSTALL = { DEBIAN_FRONTEND: 'noninteractive', SYSTEMD_OFFLINE: '1', RUNLEVEL: '1' };

/**
 * The program is there, or the run stops and says how to install it.
 *
 * @returns its path
 */
export function provideProgram(program: Program): string {
  const plan = planProgram(program, thisMachine());
  if (plan.kind === 'refuse') throw new Error(plan.message);
  if (plan.kind === 'use') return plan.path;

  process.stdout.write(`${plan.announcement}\n`);
  for (const [command, ...args] of plan.commands) run(command, args);
  const after = planProgram(program, thisMachine());
  if (after.kind === 'use') return after.path;
  throw new Error(`apt-get installed ${program.debianPackage}, yet it is not on PATH.`);
}

function thisMachine(): Machine {
  return {
    platform: process.platform,
    uid: process.getuid?.(),
    environment: process.env,
    locate: (program) => locateProgram(program, process.env['PATH'] ?? ''),
  };
}

/** Like the shell's `command -v`: a bare name is looked for on `path`, anything else is a file. */
export function locateProgram(program: string, path: string): string | undefined {
  const candidates = /[/\\]/.test(program)
    ? [resolve(program)]
    : path
        .split(delimiter)
        .filter((directory) => directory !== '')
        .map((directory) => join(directory, program));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function run(program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, {
      env: { ...process.env, ...QUIET_INSTALL },
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    });
  } catch (cause) {
    const output = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new Error(`${program} ${args.join(' ')} failed.\n${output}`, { cause });
  }
}
