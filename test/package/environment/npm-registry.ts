import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { manifest, repository } from './packed-package.js';

export interface NpmRegistry {
  readonly url: string;
  close(): void;
}

interface Published {
  readonly name: string;
  readonly version: string;
}

interface InstalledManifest extends Published {
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

interface Packument {
  name: string;
  'dist-tags': { latest: string };
  versions: Record<string, object>;
}

/**
 * An npm registry on loopback that has the packed package, as if it were published, and what the
 * repository has installed. So `npm install` does all that it does for a user, without a network.
 */
export async function serveRegistry(tarball: string): Promise<NpmRegistry> {
  const packuments = new Map<string, Packument>();
  const tarballs: (() => Readable)[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1);
    const open = tarballs[Number(path.replace('tarballs/', ''))];
    if (open) {
      open().pipe(response);
      return;
    }
    const packument = packuments.get(path);
    response.writeHead(packument ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(packument ?? { error: `${path} is not installed here.` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const publish = (published: Published, open: () => Readable): void => {
    const { name, version } = published;
    const dist = { tarball: `${url}tarballs/${tarballs.push(open) - 1}` };
    const versions = { ...packuments.get(name)?.versions, [version]: { ...published, dist } };
    packuments.set(name, { name, 'dist-tags': { latest: version }, versions });
  };
  const installed = installedFolders().map((folder) => ({ folder, own: readManifest(folder) }));
  for (const { own } of installed) for (const peer of namedPeers(own)) publish(peer, nothing);
  for (const { folder, own } of installed) publish(own, () => tarOf(folder));
  publish(manifest, () => createReadStream(tarball));
  return { url, close: () => server.close() };
}

/** The one that the repository itself imports by its name is the last, so the latest, of its versions. */
function installedFolders(): string[] {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { name?: string }>;
  };
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '' && existsSync(join(repository, path)))
    .toSorted(([a, { name: aliasOfA }], [b, { name: aliasOfB }]) => {
      const rank = (path: string, alias?: string) =>
        alias === undefined ? -path.split('node_modules/').length : -Infinity;
      return rank(a, aliasOfA) - rank(b, aliasOfB);
    })
    .map(([path]) => join(repository, path));
}

function readManifest(folder: string): InstalledManifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as InstalledManifest;
}

/** npm asks for optional peers too, though it does not install them; so they have to exist. */
function namedPeers({ peerDependencies = {} }: InstalledManifest): Published[] {
  return Object.entries(peerDependencies).flatMap(([name, range]) => {
    const version = /\d+\.\d+\.\d+/.exec(range)?.[0];
    return version === undefined ? [] : { name, version };
  });
}

const nothing = (): Readable => Readable.from([]);

function tarOf(folder: string): Readable {
  const args = ['-cf', '-', '--exclude=*/node_modules', '-C', dirname(folder), basename(folder)];
  return spawn('tar', args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
}
