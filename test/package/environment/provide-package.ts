import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { serveRegistry } from './npm-registry.js';
import { packPackage, type PackedPackage } from './packed-package.js';

declare module 'vitest' {
  export interface ProvidedContext {
    packed: PackedPackage;
    registry: string;
  }
}

/** Vitest's global setup: the package is packed, and published on this machine. */
export async function setup({ provide }: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'packed-package-'));
  const packed = packPackage(folder);
  const registry = await serveRegistry(packed.tarball);
  provide('packed', packed);
  provide('registry', registry.url);
  return () => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  };
}
