import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import type { CodeBlock } from '../../fixtures/docs/code-blocks.js';
import { read, repository } from '../../fixtures/docs/pages.js';
import { topLevelNamesOf } from './top-level-names.js';

const folder = dirname(fileURLToPath(import.meta.url));
const PREAMBLE_NAMES = topLevelNamesOf(read('test/unit/docs/preamble.ts')).filter(
  ({ isImported }) => isImported !== true,
);

/** What a block may be: statements, a decorator first, members of a class, or of an object. */
const KINDS: readonly ((code: string) => string)[] = [
  (code) => code,
  (code) => code.replace(/^@.*/, '$&\nexport class Page {}'),
  (code) => `export class Page {${code}}\nexport interface Page extends Fields {}`,
  (code) => `export const page: Properties = {${code}};`,
];

/** What TypeScript has against each block, in the settings of this project, by its place. */
export function mistakesIn(blocks: readonly CodeBlock[]): Record<string, string[]> {
  const options: ts.CompilerOptions = {
    ...settingsOfProject(),
    // A fragment need not use what it declares.
    noUnusedLocals: false,
    noUnusedParameters: false,
    allowUnusedLabels: false,
  };
  const files = new Map(blocks.map(({ code }, index) => [fileOf(index), moduleOf(code)]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => files.has(file) || fileExists(file);
  host.readFile = (file) => files.get(file) ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const text = files.get(file);
    return text === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, text, rest[0]);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  const mistakes = blocks.map(({ place }, index): [string, string[]] => {
    const file = program.getSourceFile(fileOf(index));
    return [place, ts.getPreEmitDiagnostics(program, file).map(describe)];
  });
  return Object.fromEntries(mistakes.filter(([, messages]) => messages.length > 0));
}

function settingsOfProject(): ts.CompilerOptions {
  const { config } = ts.parseConfigFileTextToJson('tsconfig.json', read('tsconfig.json'));
  const host = { ...ts.sys, readDirectory: () => [] };
  return ts.parseJsonConfigFileContent(config, host, repository).options;
}

/** A file that does not exist, beside the preamble. */
function fileOf(index: number): string {
  return `${folder}/block-${index}.ts`;
}

/** The block as a module with all that it leaves out. */
function moduleOf(code: string): string {
  const wrapped = KINDS.map((wrap) => wrap(code)).find(isWellFormed) ?? code;
  const own = topLevelNamesOf(wrapped).map(({ name }) => name);
  const missing = PREAMBLE_NAMES.filter(
    ({ name }) => !own.includes(name) && new RegExp(`\\b${name}\\b`).test(wrapped),
  ).map(({ name, isType }) => (isType ? `type ${name}` : name));
  // Behind the block, so that its lines keep their numbers.
  return `${wrapped}\nimport { ${missing.join(', ')} } from './preamble.js';\n`;
}

/** A property on its own would be a label, and nothing would be checked. */
function isWellFormed(code: string): boolean {
  const target = ts.ScriptTarget.ES2023;
  const { diagnostics } = ts.transpileModule(code, {
    reportDiagnostics: true,
    compilerOptions: { target, experimentalDecorators: true },
  });
  const { statements } = ts.createSourceFile('block.ts', code, target);
  return diagnostics?.length === 0 && !statements.some(ts.isLabeledStatement);
}

function describe({ file, start = 0, messageText }: ts.Diagnostic): string {
  const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line;
  return `line ${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}
