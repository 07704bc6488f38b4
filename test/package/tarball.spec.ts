import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { manifest, repository } from './environment/packed-package.js';

const { files, tarball } = inject('packed');

describe('the tarball', () => {
  it('holds what is built from lib and the papers, nothing else', () => {
    const built = readdirSync(join(repository, 'lib'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => ['.js', '.d.ts'].map((end) => `dist/${path.replace(/\.ts$/, end)}`));
    const papers = ['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json'];
    expect(files.toSorted()).toEqual([...built, ...papers].toSorted());
  });

  it('holds what every entry point and the bin name', () => {
    const named = Object.values(manifest.exports)
      .flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry)))
      .map((path) => path.slice(2));
    const missing = [...named, ...Object.values(manifest.bin)].filter(
      (path) => !files.includes(path),
    );
    expect(missing).toEqual([]);
  });

  it('satisfies publint', () => {
    expect(objectionsOf('publint', ['run', tarball, '--strict'])).toBe('');
  });

  it('has types that resolve as its code does, for import and for require', () => {
    // Node 20.19 and later can require ES modules, so CommonJS resolving to ESM is intended.
    const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    const args = [tarball, '--no-definitely-typed', '--no-color', ...rules];
    expect(objectionsOf('attw', args)).toBe('');
  });
});

/** What one of the repository's development tools prints when it fails; `''` when it is content. */
function objectionsOf(tool: string, args: readonly string[]): string {
  const program = join(repository, 'node_modules', '.bin', tool);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? '' : `${tool} ended with ${status}\n${stdout}${stderr}`;
}
