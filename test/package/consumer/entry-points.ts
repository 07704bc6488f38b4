import { inject } from 'vitest';
import { manifest } from '../environment/packed-package.js';

export interface EntryPoint {
  /** What a user imports. */
  readonly name: string;
  /** Its declarations, in the package. */
  readonly types: string;
  /** It is for users of this optional peer only. */
  readonly optionalPeer?: string;
}

const OPTIONAL_PEERS: Readonly<Record<string, string>> = {
  './health': '@nestjs/terminus',
  './telemetry': '@opentelemetry/api',
};

/** Every entry point that the tarball holds; that it holds all is asked in tarball.spec.ts. */
export function entryPoints(): EntryPoint[] {
  return Object.entries(manifest.exports).flatMap(([path, target]) => {
    if (typeof target === 'string' || !inject('packed').files.includes(target.types.slice(2))) {
      return [];
    }
    const optionalPeer = OPTIONAL_PEERS[path];
    return {
      name: path.replace('.', manifest.name),
      types: target.types,
      ...(optionalPeer === undefined ? {} : { optionalPeer }),
    };
  });
}
