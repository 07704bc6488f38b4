import type ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileConsumer, typeProblems, valueNames } from './packed-types.js';
import { objectionsOf, packPackage, type PackedPackage } from './packed-package.js';

/** Boots the module against a local Azure and talks to Redis through it. */
const SMOKE = `
  const azure = await startLocalAzure();
  const app = await NestFactory.createApplicationContext(
    AzureRedisModule.forRoot({ ...azure.connection, credential: azure.credential }),
    { logger: ['error', 'warn'] },
  );
  const redis = app.get(getAzureRedisToken());
  await redis.set('packed', 'yes');
  console.log(await redis.get('packed'));
  await app.close();
  await azure.stop();
`;

let packed: PackedPackage;
beforeAll(() => (packed = packPackage()), 120_000);
afterAll(() => packed.remove());

describe('the tarball', () => {
  it('holds the built package and its papers, nothing else', () => {
    const unexpected = packed.files.filter(
      (path) =>
        !/^(dist\/.+\.(js|d\.ts)|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/.test(path),
    );
    expect(unexpected).toEqual([]);
    expect(packed.files).toEqual(
      expect.arrayContaining(['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json']),
    );
  });

  it('holds what every entry point names', () => {
    const named = Object.values(packed.manifest.exports).flatMap((entry) =>
      typeof entry === 'string' ? [entry] : Object.values(entry),
    );
    expect(packed.files).toEqual(expect.arrayContaining(named.map((path) => path.slice(2))));
  });

  it('satisfies publint', () => {
    expect(objectionsOf('publint', ['run', packed.installed, '--strict', '--pack', 'false'])).toBe(
      '',
    );
  });

  it('has types that resolve as its code does, for import and for require', () => {
    // Node 20.19 and later can require ES modules, so CommonJS resolving to ESM is intended.
    const rules = ['--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm'];
    const args = [packed.tarball, '--no-definitely-typed', '--no-color', ...rules];
    expect(objectionsOf('attw', args)).toBe('');
  });
});

describe('a consumer with the required peers only', () => {
  let program: ts.Program;
  beforeAll(() => (program = compileConsumer(packed)), 60_000);

  const names = (entry: string) => `console.log(JSON.stringify(Object.keys(${entry}).sort()));`;

  it.each(['nestjs-azure-redis', 'nestjs-azure-redis/testing'])(
    'gets the names that the types of %s promise, by import and by require',
    (entry) => {
      const imported = packed.run('names.mjs', `import * as all from '${entry}'; ${names('all')}`);
      const required = packed.run('names.cjs', names(`require('${entry}')`));
      const promised = valueNames(program, packed, entry);
      expect(promised.length).toBeGreaterThan(0);
      expect(JSON.parse(imported)).toEqual(promised);
      expect(JSON.parse(required)).toEqual(promised);
    },
  );

  it('reaches Redis from an ES module and ends by itself', () => {
    const printed = packed.run(
      'smoke.mjs',
      `import { NestFactory } from '@nestjs/core';
      import { AzureRedisModule, getAzureRedisToken } from 'nestjs-azure-redis';
      import { startLocalAzure } from 'nestjs-azure-redis/testing';
      ${SMOKE}`,
    );
    expect(printed).toBe('yes\n');
  });

  it('reaches Redis from CommonJS and ends by itself', () => {
    const printed = packed.run(
      'smoke.cjs',
      `const { NestFactory } = require('@nestjs/core');
      const { AzureRedisModule, getAzureRedisToken } = require('nestjs-azure-redis');
      const { startLocalAzure } = require('nestjs-azure-redis/testing');
      (async () => { ${SMOKE} })();`,
    );
    expect(printed).toBe('yes\n');
  });

  it('compiles as ES module and as CommonJS with no other types than Node', () => {
    expect(typeProblems(program, packed)).toEqual([]);
  });
});
