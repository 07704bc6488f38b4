import { posix } from 'node:path';
import type { SourceFacts, SourceImport } from './source-imports.js';

/** The pipe of the package, left to right: a folder imports only from itself and its left. */
const PIPE = ['options', 'credential', 'token', 'client', 'store', 'llm-cache'];

/** These watch or drive the pipe; the pipe does not know them. */
const BESIDE_THE_PIPE = ['health', 'telemetry', 'cli', 'testing'];

/** Root files that everything may import, and that know nothing but each other. */
const FOR_EVERYBODY = [
  'azure-redis.errors.ts',
  'azure-redis.constants.ts',
  'azure-redis.availability-log.ts',
  'azure-redis.channels.ts',
  'azure-redis.deadline.ts',
];

const PIPE_READS_ENVIRONMENT = ['options/from-environment.ts', 'options/from-litellm.ts'];

/** Every sentence names the file and what it must not do; none means that the rules hold. */
export function architectureProblems(files: readonly SourceFacts[]): string[] {
  return [
    ...files.flatMap((file) => [
      ...directionProblems(file),
      ...identityProblems(file),
      ...exportProblems(file),
    ]),
    ...environmentProblems(files),
  ];
}

function directionProblems(file: SourceFacts): string[] {
  const from = folderOf(file.path);
  if (from !== undefined && ![...PIPE, ...BESIDE_THE_PIPE].includes(from)) {
    return [`${file.path}: the folder ${from} has no place in the pipe`];
  }
  return file.imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => target(file.path, specifier))
    .filter((to) => !mayImport(file.path, to))
    .map((to) => `${file.path} must not import ${to}`);
}

function mayImport(fromPath: string, toPath: string): boolean {
  if (FOR_EVERYBODY.includes(toPath)) return true;
  const from = folderOf(fromPath);
  const to = folderOf(toPath);
  if (FOR_EVERYBODY.includes(fromPath)) return false;
  if (from === to) return true;
  if (from === undefined) return to !== undefined && PIPE.includes(to);
  if (to === undefined) return BESIDE_THE_PIPE.includes(from);
  if (from === 'cli') return true;
  if (BESIDE_THE_PIPE.includes(from)) return PIPE.includes(to);
  return PIPE.includes(to) && PIPE.indexOf(to) < PIPE.indexOf(from);
}

/** Loading @azure/identity takes as long as a small app needs to boot, so the pipe does it when it must. */
function identityProblems(file: SourceFacts): string[] {
  const folder = folderOf(file.path);
  if (folder !== undefined && BESIDE_THE_PIPE.includes(folder)) return [];
  return file.imports
    .filter(({ specifier, kind }) => packageOf(specifier) === '@azure/identity' && kind !== 'type')
    .filter(({ kind }) => kind === 'static' || folder !== 'credential')
    .map(() => `${file.path} must not load @azure/identity; only import() in credential may`);
}

function exportProblems(file: SourceFacts): string[] {
  return [
    ...(file.hasDefaultExport ? [`${file.path} must not have a default export`] : []),
    ...(file.hasExportStar ? [`${file.path} must name what it exports, not export *`] : []),
  ];
}

function environmentProblems(files: readonly SourceFacts[]): string[] {
  const readers = files.filter(({ readsProcessEnv }) => readsProcessEnv).map(({ path }) => path);
  const inTesting = readers.filter((path) => folderOf(path) === 'testing');
  return [
    ...readers
      .filter((path) => folderOf(path) !== 'testing' && folderOf(path) !== 'cli')
      .filter((path) => !PIPE_READS_ENVIRONMENT.includes(path))
      .map((path) => `${path} must not read process.env`),
    ...(inTesting.length > 1 ? [`${inTesting.join(', ')}: one place reads process.env`] : []),
  ];
}

/** A sample shows what a user writes: it imports the package by its name. */
export function sampleProblems(samples: readonly SourceFacts[]): string[] {
  return samples.flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier }) => specifier.startsWith('.'))
      .filter(({ specifier }) => !mayUse(folderOf(path), folderOf(target(path, specifier))))
      .map(({ specifier }) => `${path} must not import ${specifier}`),
  );
}

/** A sample may build on one before it. */
const mayUse = (sample = '', used = ''): boolean => /^\d\d-/.test(used) && used <= sample;

/** Packages that a consumer of `entry` must have, with a file that imports each. */
export function packagesReachedFrom(
  entry: string,
  files: readonly SourceFacts[],
  kinds: readonly SourceImport['kind'][],
): Map<string, string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Map<string, string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { specifier, kind } of byPath.get(path)?.imports ?? []) {
      if (!kinds.includes(kind)) continue;
      if (specifier.startsWith('.')) visit(target(path, specifier));
      else if (!specifier.startsWith('node:')) reached.set(packageOf(specifier), path);
    }
  };
  visit(entry);
  return reached;
}

const target = (from: string, specifier: string): string =>
  posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');

const folderOf = (path: string): string | undefined =>
  path.includes('/') ? path.slice(0, path.indexOf('/')) : undefined;

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
