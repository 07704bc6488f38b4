import { readdirSync, readFileSync } from 'node:fs';
import { posix, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { architectureProblems, packagesReachedFrom, sampleProblems } from './architecture-rules.js';
import { readSource, type SourceFacts } from './source-imports.js';

const root = new URL('../../../', import.meta.url);
const files = readSources('lib');
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
};

function readSources(folder: string): SourceFacts[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll(sep, posix.sep))
    .filter((path) => path.endsWith('.ts') && !/(^|\/)(dist|node_modules)\//.test(path))
    .map((path) => readSource(path, readFileSync(new URL(`${folder}/${path}`, root), 'utf8')));
}

describe('lib', () => {
  it('imports only from left to right, and keeps to the rules of each folder', () => {
    expect(architectureProblems(files)).toEqual([]);
  });

  it('needs nothing for its main entry but dependencies and required peers', () => {
    const required = [
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies).filter(
        (name) => manifest.peerDependenciesMeta?.[name]?.optional !== true,
      ),
    ];
    const reached = packagesReachedFrom('index.ts', files, ['static', 'type']);
    expect(reached.size).toBeGreaterThan(0);
    expect([...reached].filter(([name]) => !required.includes(name))).toEqual([]);
  });

  it('declares every package that it may load', () => {
    const declared = [
      ...Object.keys(manifest.dependencies),
      ...Object.keys(manifest.peerDependencies),
    ];
    const imported = files.flatMap(({ path }) => [
      ...packagesReachedFrom(path, files, ['static', 'dynamic', 'type']),
    ]);
    expect(imported.filter(([name]) => !declared.includes(name))).toEqual([]);
  });
});

describe('sample', () => {
  it('imports the package by its name', () => {
    expect(sampleProblems(readSources('sample'))).toEqual([]);
  });
});

describe('the rules', () => {
  it.each([
    ['token/x.ts', `import { a } from '../client/a.js';`],
    ['options/x.ts', `import type { A } from '../store/a.js';`],
    ['client/x.ts', `export { a } from '../llm-cache/a.js';`],
    ['store/x.ts', `const a = await import('../testing/index.js');`],
    ['store/x.ts', `let a: import('../llm-cache/a.js').A;`],
    ['client/x.ts', `import { a } from '../azure-redis.module.js';`],
    ['client/x.ts', `import { a } from '../index.js';`],
    ['index.ts', `export { a } from './testing/index.js';`],
    ['health/x.ts', `import { a } from '../testing/a.js';`],
    ['azure-redis.errors.ts', `import type { A } from './options/a.js';`],
    ['helpers/x.ts', `export const a = 1;`],
    ['token/x.ts', `import { AzureCliCredential } from '@azure/identity';`],
    ['credential/x.ts', `import { type TokenCredential } from '@azure/identity';`],
    ['token/x.ts', `const identity = await import('@azure/identity');`],
    ['options/x.ts', `export const host = process.env.REDIS_HOST;`],
    ['options/x.ts', `export const host = globalThis.process['env'];`],
    ['options/x.ts', `const { env } = process;`],
    ['options/x.ts', `import { env } from 'node:process';`],
    ['options/x.ts', `export default class A {}`],
    ['options/x.ts', `const a = 1; export { a as default };`],
    ['options/index.ts', `export * from './a.js';`],
    ['options/index.ts', `export * as all from './a.js';`],
  ])('object in %s to: %s', (path, text) => {
    expect(architectureProblems([readSource(path, text)])).toHaveLength(1);
  });

  it.each([
    ['store/x.ts', `import { a } from '../client/a.js'; import { b } from './deep/b.js';`],
    ['llm-cache/key/x.ts', `import { a } from '../policy/a.js';`],
    ['llm-cache/key/x.ts', `import { AzureRedisError } from '../../azure-redis.errors.js';`],
    ['index.ts', `export { a } from './llm-cache/a.js'; export { b } from './b.module.js';`],
    ['cli/x.ts', `import { startLocalAzure } from '../testing/index.js';`],
    ['testing/x.ts', `import { ClientSecretCredential } from '@azure/identity';`],
    ['token/x.ts', `import type { TokenCredential } from '@azure/identity';`],
    ['credential/x.ts', `const { AzureCliCredential } = await import('@azure/identity');`],
    ['options/from-environment.ts', `export const from = (env = process.env) => env;`],
    ['options/x.ts', `/** reads \`process.env\` */ export const pid = process.pid;`],
  ])('accept in %s: %s', (path, text) => {
    expect(architectureProblems([readSource(path, text)])).toEqual([]);
  });

  it('object to a sample that reaches out of its folder', () => {
    const text = `import { a } from '../../lib/index.js'; import { b } from './b.js';`;
    expect(sampleProblems([readSource('01-app/main.ts', text)])).toHaveLength(1);
    expect(sampleProblems([readSource('01-app/deep/x.ts', `import '../main.js';`)])).toEqual([]);
    expect(sampleProblems([readSource('02-page/x.ts', `import '../01-app/main.js';`)])).toEqual([]);
    expect(sampleProblems([readSource('01-app/x.ts', `import '../02-page/x.js';`)])).toHaveLength(
      1,
    );
  });

  it('allow one reader of process.env in testing', () => {
    const reader = (path: string) => readSource(path, `export const path = process.env['PATH'];`);
    expect(architectureProblems([reader('testing/a.ts')])).toEqual([]);
    expect(architectureProblems([reader('testing/a.ts'), reader('testing/b.ts')])).toHaveLength(1);
  });
});
