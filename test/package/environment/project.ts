import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { inject } from 'vitest';
import { manifest } from './packed-package.js';

/** A project of the package's user, in a folder of its own outside the repository. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'package-user-'));

  /** What programs are started with: this Node, the local registry, no settings of this machine. */
  get environment(): Record<string, string> {
    return {
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
      HOME: this.folder,
      npm_config_registry: inject('registry'),
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
    };
  }

  /** Where the package is, once installed. */
  get installed(): string {
    return join(this.folder, 'node_modules', manifest.name);
  }

  write(file: string, content: string | object): void {
    const path = join(this.folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }

  has(file: string): boolean {
    return existsSync(join(this.folder, file));
  }

  /** What a line of shell prints; throws, with its errors, if it fails or takes 2 minutes. */
  run(line: string): string {
    return execFileSync('sh', ['-c', line], {
      cwd: this.folder,
      env: this.environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      maxBuffer: 2 ** 26,
    });
  }

  /** Writes a program and tells what it prints. */
  runProgram(file: string, text: string): string {
    this.write(file, text);
    return this.run(`node ${file}`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
