import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../environment/packed-package.js';

export interface FirstScreen {
  /** The line of shell that installs the package. */
  readonly install: string;
  /** The first block of TypeScript. */
  readonly module: string;
}

/** What a new user takes from the README. */
export function readFirstScreen(): FirstScreen {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  return {
    install: find(readme, /`(npm i(?:nstall)? nestjs-azure-redis[^`\n]*)`/, 'the npm install line'),
    module: find(readme, /^```ts\n(.*?)^```$/ms, 'a first block of TypeScript'),
  };
}

function find(readme: string, pattern: RegExp, what: string): string {
  const found = pattern.exec(readme)?.[1];
  if (found === undefined) throw new Error(`Expected README.md to have ${what}: ${pattern.source}`);
  return found;
}
