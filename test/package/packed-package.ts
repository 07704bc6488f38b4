import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../../', import.meta.url));

interface Manifest {
  name: string;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
  exports: Record<string, string | { types: string; default: string }>;
}

/**
 * The packed package as its user has it: in a directory outside the repository, beside its
 * dependencies, required peers and Node's types, so that an undeclared import fails.
 */
export interface PackedPackage {
  readonly manifest: Manifest;
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
  /** The user's project. */
  readonly consumer: string;
  /** The unpacked package in the user's node_modules. */
  readonly installed: string;
  /** Writes a file into the user's project and runs it with this Node. */
  run(file: string, text: string): string;
  remove(): void;
}

export function packPackage(): PackedPackage {
  const consumer = mkdtempSync(join(tmpdir(), 'packed-package-'));
  // The build has run; prepack would run it again.
  const output = execFileSync(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', consumer],
    { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const [packed] = JSON.parse(output) as [{ filename: string; files: { path: string }[] }];
  const tarball = join(consumer, packed.filename);

  const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as Manifest;
  const installed = join(consumer, 'node_modules', manifest.name);
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  for (const name of [...requiredPackages(manifest), '@types/node']) link(name, consumer);

  return {
    manifest,
    tarball,
    files: packed.files.map(({ path }) => path),
    consumer,
    installed,
    run(file, text) {
      writeFileSync(join(consumer, file), text);
      return execFileSync(process.execPath, [file], {
        cwd: consumer,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      });
    },
    remove: () => rmSync(consumer, { recursive: true, force: true }),
  };
}

/** What one of the repository's development tools prints when it fails; `''` when it is content. */
export function objectionsOf(tool: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(
    join(repository, 'node_modules', '.bin', tool),
    args,
    { cwd: repository, encoding: 'utf8' },
  );
  return status === 0 ? '' : `${tool} ended with ${status}\n${stdout}${stderr}`;
}

function requiredPackages({ dependencies, peerDependencies, peerDependenciesMeta }: Manifest) {
  return [
    ...Object.keys(dependencies),
    ...Object.keys(peerDependencies).filter(
      (name) => peerDependenciesMeta?.[name]?.optional !== true,
    ),
  ];
}

function link(name: string, consumer: string): void {
  const path = join(consumer, 'node_modules', name);
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(join(repository, 'node_modules', name), path, 'dir');
}
