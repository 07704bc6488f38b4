/** What has to be done so that the tests have a real Redis. */
export type RedisPlan =
  | { kind: 'use'; path: string }
  | { kind: 'install'; announcement: string; commands: readonly (readonly [string, ...string[]])[] }
  | { kind: 'refuse'; message: string };

export interface RedisPlanInput {
  platform: NodeJS.Platform;
  /** `undefined` where the platform has no user ids. */
  uid: number | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  /** Path of an executable given by name or path, if there is one. */
  locate: (program: string) => string | undefined;
}

const PROGRAMS = ['redis-server', 'valkey-server'];

/** Decides, without doing anything. `REDIS_PROVIDE=never` forbids the installation. */
export function planRedis(input: RedisPlanInput): RedisPlan {
  const named = input.environment['REDIS_SERVER'];
  if (named) {
    const path = input.locate(named);
    return path
      ? { kind: 'use', path }
      : {
          kind: 'refuse',
          message: `REDIS_SERVER names ${named}, which is not an executable file. Correct it, or unset it to use ${PROGRAMS.join(' or ')} from PATH.`,
        };
  }

  for (const program of PROGRAMS) {
    const path = input.locate(program);
    if (path) return { kind: 'use', path };
  }

  const forbidden = input.environment['REDIS_PROVIDE'] === 'never';
  if (input.platform === 'linux' && input.uid === 0 && input.locate('apt-get') && !forbidden) {
    return {
      kind: 'install',
      announcement:
        'No redis-server found: installing it with apt-get (REDIS_PROVIDE=never forbids this).',
      commands: [
        ['apt-get', 'update'],
        ['apt-get', 'install', '-y', '--no-install-recommends', 'redis-server'],
      ],
    };
  }

  return {
    kind: 'refuse',
    message: `The tests need a real Redis and found no ${PROGRAMS.join(' or ')} on PATH. Install it with: ${installCommand(input)}`,
  };
}

function installCommand({ platform, uid, locate }: RedisPlanInput): string {
  if (platform === 'darwin') return 'brew install redis';
  if (platform === 'win32') return 'wsl --install (then run the tests inside WSL)';
  const sudo = uid === 0 ? '' : 'sudo ';
  if (locate('dnf')) return `${sudo}dnf install -y redis`;
  if (locate('apk')) return `${sudo}apk add redis`;
  return `${sudo}apt-get install -y redis-server`;
}
