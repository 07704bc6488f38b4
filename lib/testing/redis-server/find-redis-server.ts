import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { LocalAzureError } from '../local-azure.errors.js';

const PROGRAMS = ['redis-server', 'valkey-server'];

/** The only place of this folder that reads the environment: REDIS_SERVER and PATH. */
const environment = process.env;

/** Path of a real Redis: `REDIS_SERVER`, else redis-server or valkey-server on PATH. */
export function findRedisServer(): string | undefined {
  const named = environment['REDIS_SERVER'];
  if (!named) return PROGRAMS.map(locate).find((path) => path !== undefined);
  const path = locate(named);
  if (path !== undefined) return path;
  throw new LocalAzureError(
    'REDIS_NOT_FOUND',
    `REDIS_SERVER names ${named}, which is not an executable file. Correct it, or unset it to use ${PROGRAMS.join(' or ')} from PATH.`,
  );
}

/** Like the shell: a bare name is looked for on PATH, anything else is a file. */
function locate(program: string): string | undefined {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(Boolean);
  const candidates = /[/\\]/.test(program)
    ? [resolve(program)]
    : folders.map((folder) => join(folder, program));
  return candidates.find(isExecutable);
}

export const redisServerNotFound = (): LocalAzureError =>
  new LocalAzureError(
    'REDIS_NOT_FOUND',
    `Expected ${PROGRAMS.join(' or ')} on PATH, found neither. Install it (${installCommand()}), or set REDIS_SERVER to its path.`,
  );

function installCommand(): string {
  if (process.platform === 'darwin') return 'brew install redis';
  if (process.platform === 'win32') return 'in WSL: sudo apt-get install redis-server';
  return 'sudo apt-get install redis-server';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
