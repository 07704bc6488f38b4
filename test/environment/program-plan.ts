/** A program that tests run, and where it comes from. */
export interface Program {
  /** For messages, e.g. `a real Redis`. */
  readonly what: string;
  /** Names on PATH, the preferred one first. */
  readonly names: readonly string[];
  /** The variable that names another executable. */
  readonly variable: string;
  /** `never` in this variable forbids the installation. */
  readonly provideVariable: string;
  /** Its package on Debian. */
  readonly debianPackage: string;
  /** What installs it elsewhere, without `sudo` where that is needed. */
  readonly install: Readonly<Record<'brew' | 'windows' | 'dnf' | 'apk', string>>;
}

/** What has to be done so that the tests have a program. */
export type ProgramPlan =
  | { kind: 'use'; path: string }
  | { kind: 'install'; announcement: string; commands: readonly (readonly [string, ...string[]])[] }
  | { kind: 'refuse'; message: string };

export interface Machine {
  platform: NodeJS.Platform;
  /** `undefined` where the platform has no user ids. */
  uid: number | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  /** Path of an executable given by name or path, if there is one. */
  locate: (program: string) => string | undefined;
}

/** Decides, without doing anything. */
export function planProgram(program: Program, machine: Machine): ProgramPlan {
  const { names, variable, provideVariable, debianPackage } = program;
  const named = machine.environment[variable];
  if (named) {
    const path = machine.locate(named);
    return path
      ? { kind: 'use', path }
      : {
          kind: 'refuse',
          message: `${variable} names ${named}, which is not an executable file. Correct it, or unset it to use ${names.join(' or ')} from PATH.`,
        };
  }

  for (const name of names) {
    const path = machine.locate(name);
    if (path) return { kind: 'use', path };
  }

  const forbidden = machine.environment[provideVariable] === 'never';
  if (
    machine.platform === 'linux' &&
    machine.uid === 0 &&
    machine.locate('apt-get') &&
    !forbidden
  ) {
    return {
      kind: 'install',
      announcement: `No ${debianPackage} found: installing it with apt-get (${provideVariable}=never forbids this).`,
      commands: [
        ['apt-get', 'update'],
        ['apt-get', 'install', '-y', '--no-install-recommends', debianPackage],
      ],
    };
  }

  return {
    kind: 'refuse',
    message: `The tests need ${program.what} and found no ${names.join(' or ')} on PATH. Install it with: ${installCommand(program, machine)}`,
  };
}

function installCommand(
  { install, debianPackage }: Program,
  { platform, uid, locate }: Machine,
): string {
  if (platform === 'darwin') return install.brew;
  if (platform === 'win32') return install.windows;
  const sudo = uid === 0 ? '' : 'sudo ';
  if (locate('dnf')) return `${sudo}${install.dnf}`;
  if (locate('apk')) return `${sudo}${install.apk}`;
  return `${sudo}apt-get install -y ${debianPackage}`;
}
