import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Project } from '../environment/project.js';

export interface LoadedFiles {
  readonly paths: ReadonlySet<string>;
  readonly bytes: number;
}

/** Which files Node loads for a program: those that V8 tells the coverage of, on every Node. */
export function filesLoadedBy(project: Project, text: string): LoadedFiles {
  const coverage = mkdtempSync(join(project.folder, 'coverage-'));
  project.write('loads.mjs', text);
  project.run(`NODE_V8_COVERAGE='${coverage}' node loads.mjs`);
  const urls = readdirSync(coverage).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
      result: { url: string }[];
    };
    return result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  });
  const paths = new Set(urls.map((url) => url.replace(/^.*\/node_modules\//, '')));
  const bytes = [...new Set(urls)].reduce((sum, url) => sum + statSync(new URL(url)).size, 0);
  return { paths, bytes };
}
