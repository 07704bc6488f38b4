import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type ts from 'typescript';
import { manifest } from '../environment/packed-package.js';
import { Project } from '../environment/project.js';
import { entryPoints, type EntryPoint } from './entry-points.js';
import { createUserProgram, SETTINGS, typeProblems, valueNames } from './types.js';

const CHAT_APP = readFileSync(fileURLToPath(new URL('chat-app.ts', import.meta.url)), 'utf8');
const CHAT_LINES = 'MISS {"answer":"HELLO"} calls: 1\nHIT {"answer":"HELLO"} calls: 1\n';

describe.each(['module', 'commonjs'] as const)('an application of type %s', (type) => {
  const project = new Project();
  const [settings] = SETTINGS[type];
  beforeAll(() => {
    project.write('package.json', {
      name: 'chat',
      private: true,
      type,
      dependencies: {
        '@nestjs/common': '^12.0.0',
        '@nestjs/core': '^12.0.0',
        '@nestjs/platform-express': '^12.0.0',
        'reflect-metadata': '^0.2.2',
        rxjs: '^7.8.1',
      },
      devDependencies: { '@types/node': '*' },
    });
    project.run('npm install nestjs-azure-redis @nestjs/cache-manager cache-manager ioredis');
    project.write('chat-app.ts', CHAT_APP);
  });
  afterAll(() => project.remove());

  describe('without the optional peers', () => {
    const usable = entryPoints().filter(({ optionalPeer }) => optionalPeer === undefined);

    it('has none of them', () => {
      const optional = Object.keys(manifest.peerDependenciesMeta);
      expect(optional.filter((name) => project.has(`node_modules/${name}`))).toEqual([]);
    });

    it.each(SETTINGS[type])('caches a route, compiled with module $name', (each) => {
      const program = createUserProgram(project, usable, each, ['chat-app.ts']);
      expect(typeProblems(program, project)).toEqual([]);
      program.emit();
      const isRequired = project.read('dist/chat-app.js').includes('require("nestjs-azure-redis")');
      expect(isRequired).toBe(type === 'commonjs');
      expect(project.run('node dist/chat-app.js')).toBe(CHAT_LINES);
    });

    it.each(usable)('gets from $name the names that its types promise', (entry) => {
      expectPromisedNames(project, entry, createUserProgram(project, usable, settings));
    });

    it('runs the bin', () => {
      expect(project.run('npx nestjs-azure-redis --help')).toContain('npx nestjs-azure-redis');
      expect(project.run('npx nestjs-azure-redis --version')).toBe(`${manifest.version}\n`);
    });
  });

  describe('with the optional peers of entry points', () => {
    const usable = entryPoints().filter(({ optionalPeer }) => optionalPeer !== undefined);
    beforeAll(() => {
      const peers = usable.map(({ optionalPeer }) => optionalPeer);
      project.run(`npm install ${peers.join(' ')}`);
    });

    it.each(SETTINGS[type])('compiles with module $name', (each) => {
      expect(typeProblems(createUserProgram(project, usable, each), project)).toEqual([]);
    });

    it.each(usable)('gets from $name the names that its types promise', (entry) => {
      expectPromisedNames(project, entry, createUserProgram(project, usable, settings));
    });
  });
});

function expectPromisedNames(project: Project, entry: EntryPoint, program: ts.Program): void {
  const promised = valueNames(program, project, entry);
  const names = (exports: string) => `console.log(JSON.stringify(Object.keys(${exports}).sort()));`;
  const imported = `import * as all from '${entry.name}'; ${names('all')}`;
  const required = names(`require('${entry.name}')`);
  expect(promised.length).toBeGreaterThan(0);
  expect(JSON.parse(project.runProgram('names.mjs', imported))).toEqual(promised);
  expect(JSON.parse(project.runProgram('names.cjs', required))).toEqual(promised);
}
