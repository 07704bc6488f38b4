import { readFile, rm, writeFile } from 'node:fs/promises';
import { UsageError } from '../usage-error.js';
import { asEnvironmentFile } from './quoting.js';

const FIRST_LINE = '# Written by nestjs-azure-redis local, and removed when it ends.';

/** The environment as a file; a file of somebody else's is never touched. */
export class EnvironmentFile {
  readonly #path: string;
  #isWritten = false;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws {UsageError} when there is another file */
  static async at(path: string): Promise<EnvironmentFile> {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw unusable(path, error);
    });
    if (text !== undefined && !text.startsWith(FIRST_LINE)) {
      throw new UsageError(
        '--write-env: expected a path where no file is, got one that "local" did not write. ' +
          'Name another path, or move that file away.',
      );
    }
    // Left by a run that was killed.
    if (text !== undefined) await rm(path);
    return new EnvironmentFile(path);
  }

  async write(variables: Readonly<Record<string, string>>): Promise<void> {
    const text = [FIRST_LINE, ...asEnvironmentFile(variables), ''].join('\n');
    await writeFile(this.#path, text, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
      throw unusable(this.#path, error);
    });
    this.#isWritten = true;
  }

  async remove(): Promise<void> {
    if (this.#isWritten) await rm(this.#path, { force: true });
  }
}

const unusable = (path: string, error: unknown): UsageError =>
  new UsageError(
    `--write-env: expected a path that can be written, got ${codeOf(error)} for ${path}.`,
  );

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);
