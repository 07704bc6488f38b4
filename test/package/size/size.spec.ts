import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Project } from '../environment/project.js';
import { filesLoadedBy, type LoadedFiles } from './loaded-files.js';

/** About a tenth above what was measured. */
const BUDGET = {
  tarball: { packedBytes: 350_000, unpackedBytes: 1_150_000, files: 640 },
  import: { files: 285, bytes: 900_000 },
};

describe('the tarball', () => {
  const { packedBytes, unpackedBytes, files } = inject('packed');

  it.each([
    ['packedBytes', packedBytes],
    ['unpackedBytes', unpackedBytes],
    ['files', files.length],
  ] as const)('keeps the budget of %s', (what, measured) => {
    expect(objection(what, measured, BUDGET.tarball[what])).toBe('');
  });
});

describe('importing the package, over importing Nest and the other peers', () => {
  const peers = [
    'reflect-metadata',
    '@nestjs/core',
    '@nestjs/common',
    '@nestjs/cache-manager',
    'cache-manager',
    'ioredis',
    'rxjs',
  ];
  const imports = peers.map((name) => `import '${name}';\n`).join('');
  const project = new Project();
  let without: LoadedFiles;
  let added: { paths: string[]; bytes: number };
  beforeAll(() => {
    project.run(`npm install nestjs-azure-redis ${peers.join(' ')}`);
    without = filesLoadedBy(project, imports);
    const all = filesLoadedBy(project, `${imports}import 'nestjs-azure-redis';\n`);
    added = {
      paths: [...all.paths].filter((path) => !without.paths.has(path)),
      bytes: all.bytes - without.bytes,
    };
  });
  afterAll(() => project.remove());

  it('keeps the budget of files', () => {
    expect(added.paths).toContain('nestjs-azure-redis/dist/index.js');
    expect(objection('files', added.paths.length, BUDGET.import.files)).toBe('');
  });

  it('keeps the budget of bytes', () => {
    expect(objection('bytes', added.bytes, BUDGET.import.bytes)).toBe('');
  });

  it.each([
    '@azure/',
    'js-redis-server/',
    'nestjs-azure-redis/dist/testing/',
    'nestjs-azure-redis/dist/cli/',
  ])('loads nothing of %s', (folder) => {
    expect(added.paths.filter((path) => path.startsWith(folder))).toEqual([]);
  });
});

/** Far below its budget a number says nothing any more: that is an objection too. */
function objection(what: string, measured: number, budget: number): string {
  if (measured <= budget && measured > budget / 2) return '';
  return `${what}: measured ${measured}, budget ${budget}. Make it smaller, or change BUDGET.`;
}
