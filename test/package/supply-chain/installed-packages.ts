import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../environment/packed-package.js';

/** One package of package-lock.json. */
export interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { optional?: boolean }>>;
}

const { packages } = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, LockedPackage>>;
};

/**
 * What comes with our package, by `name@version`: its dependencies and theirs; with `peers`, also
 * the required peers and what they bring.
 */
export function packagesBroughtAlong({ peers }: { peers: boolean }): Map<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    const { [path]: locked } = packages;
    if (locked === undefined || seen.has(path)) return;
    seen.add(path);
    if (path !== '') found.set(`${path.split('node_modules/').at(-1)}@${locked.version}`, locked);
    for (const name of namesNeededBy(locked, peers)) visit(locate(name, path));
  };
  visit('');
  return found;
}

function namesNeededBy(locked: LockedPackage, peers: boolean): string[] {
  const requiredPeers = Object.keys(locked.peerDependencies ?? {}).filter(
    (name) => locked.peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [
    ...Object.keys({ ...locked.dependencies, ...locked.optionalDependencies }),
    ...(peers ? requiredPeers : []),
  ];
}

/** As Node looks for it: in the nearest node_modules. */
function locate(name: string, from: string): string {
  const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (path in packages || from === '') return path;
  return locate(name, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))));
}
