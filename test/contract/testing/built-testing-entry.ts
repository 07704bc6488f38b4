import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));

/** The testing entry as JavaScript, in a folder where plain Node scripts can import it. */
export interface BuiltTestingEntry {
  /** Runs a script to its end and gives its output; it may import './testing.mjs'. */
  run(script: string, environment?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts a script and leaves it running. */
  start(script: string): Promise<ChildProcess>;
}

export function useBuiltTestingEntry(): BuiltTestingEntry {
  let folder = '';
  let scripts = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'built-testing-entry-'));
    await symlink(path('node_modules'), join(folder, 'node_modules'));
    await build({
      configFile: false,
      logLevel: 'silent',
      root: path('.'),
      build: {
        ssr: path('lib/testing/index.ts'),
        outDir: folder,
        emptyOutDir: false,
        rolldownOptions: { output: { entryFileNames: 'testing.mjs' } },
      },
    });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const save = async (script: string): Promise<string> => {
    scripts += 1;
    const file = join(folder, `script-${scripts}.mjs`);
    await writeFile(file, script);
    return file;
  };
  return {
    async run(script, environment = {}) {
      const { stdout } = await promisify(execFile)(process.execPath, [await save(script)], {
        env: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], ...environment },
        timeout: 15_000,
        killSignal: 'SIGKILL',
      });
      return stdout.trim();
    },
    async start(script) {
      return spawn(process.execPath, [await save(script)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    },
  };
}
