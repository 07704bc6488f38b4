import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { codeBlocksOf } from '../../fixtures/docs/code-blocks.js';
import { pages, read } from '../../fixtures/docs/pages.js';
import { mistakesIn } from './compile.js';

const blocks = pages.flatMap(codeBlocksOf);
const inLanguage = (language: string) => blocks.filter((block) => block.language === language);

/** What a reader of this repository can run. */
interface Manifest {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
}
const manifest: Manifest = JSON.parse(read('package.json'));

it('every block says its language', () => {
  expect(blocks.length).toBeGreaterThan(15);
  expect(inLanguage('').map(({ place }) => place)).toEqual([]);
});

it('every ts block compiles', { timeout: 120_000 }, () => {
  expect(inLanguage('ts').length).toBeGreaterThan(15);
  expect(mistakesIn(inLanguage('ts'))).toEqual({});
});

it.each(inLanguage('yaml'))('the yaml at $place parses', ({ code }) => {
  const documents = [...parseAllDocuments(code)];
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
});

it('sh blocks name only scripts and binaries that exist', () => {
  const code = inLanguage('sh')
    .map((block) => block.code)
    .join('\n');
  const scripts = [...code.matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
    ([, script, shortcut]) => script ?? shortcut ?? '',
  );
  const binaries = [...code.matchAll(/npx ([\w-]+)/g)].map(([, binary]) => binary);
  expect(scripts.filter((script) => !Object.hasOwn(manifest.scripts, script))).toEqual([]);
  expect(scripts).toContain('test');
  expect(new Set(binaries)).toEqual(new Set([manifest.name]));
});
