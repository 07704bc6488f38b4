import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { expect, onTestFinished } from 'vitest';
import { repository } from '../../fixtures/docs/pages.js';
import { runScript } from '../../fixtures/run-script.js';

/**
 * Runs a module that is put together from blocks of a page, as a reader would: in a process of its
 * own, which reaches the local Azure as if it were Azure.
 *
 * @returns what it prints, as JSON
 */
export async function runPage(code: string, env: Record<string, string>): Promise<unknown> {
  // Below node_modules, so that the packages resolve from there.
  const folder = await mkdtemp(join(repository, 'node_modules', '.page-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2023,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  const file = join(folder, 'page.js');
  await writeFile(file, outputText);
  const { exitCode, stdout, stderr } = await runScript(pathToFileURL(file), { env });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}
