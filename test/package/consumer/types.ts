import { join } from 'node:path';
import ts from 'typescript';
import type { Project } from '../environment/project.js';
import type { EntryPoint } from './entry-points.js';

export interface UserSettings {
  readonly name: string;
  /** A CommonJS file, an ES module, or what package.json says. */
  readonly files: readonly string[];
  readonly options: ts.CompilerOptions;
}

const { CommonJS, ES2022, Node16, Node20, NodeNext } = ts.ModuleKind;
const moduleResolution = ts.ModuleResolutionKind.Bundler;

/**
 * How users compile, by the type of their package. Under node16 a CommonJS file cannot import ES
 * modules (TS1479): it stands for Nodes that cannot `require()` them.
 */
export const SETTINGS: Readonly<
  Record<'module' | 'commonjs', readonly [UserSettings, ...UserSettings[]]>
> = {
  module: [
    { name: 'nodenext', files: ['user.mts', 'user.cts'], options: { module: NodeNext } },
    { name: 'node16', files: ['user.ts'], options: { module: Node16 } },
    {
      name: 'es2022 and bundler',
      files: ['user.ts'],
      options: { module: ES2022, moduleResolution },
    },
  ],
  commonjs: [
    { name: 'node20', files: ['user.mts', 'user.ts'], options: { module: Node20 } },
    {
      name: 'commonjs and bundler',
      files: ['user.ts'],
      options: { module: CommonJS, moduleResolution },
    },
  ],
};

/** Declarations that do not compile, with our package or without it. */
const NOT_OURS = new Set([
  // @nestjs/cache-manager 12.0 imports a type of a package that it does not depend on.
  "node_modules/@nestjs/cache-manager/dist/interfaces/cache-manager.interface.d.ts: Cannot find module 'cacheable' or its corresponding type declarations.",
]);

/** Files that import the entry points, and others of the user's. */
export function createUserProgram(
  project: Project,
  entries: readonly EntryPoint[],
  { files, options }: UserSettings,
  more: readonly string[] = [],
): ts.Program {
  const imports = entries.map(
    ({ name }, index) => `import * as entry${index} from '${name}';\nexport { entry${index} };\n`,
  );
  for (const file of files) project.write(file, imports.join(''));
  return ts.createProgram(
    [...files, ...more].map((file) => join(project.folder, file)),
    {
      ...options,
      target: ts.ScriptTarget.ES2023,
      rootDir: project.folder,
      outDir: join(project.folder, 'dist'),
      strict: true,
      skipLibCheck: false,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      types: ['node'],
      typeRoots: [join(project.folder, 'node_modules', '@types')],
    },
  );
}

/** What the compiler finds wrong, in all files of the user's and in all declarations they need. */
export function typeProblems(program: ts.Program, { folder }: Project): string[] {
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => {
      const path = file?.fileName.replace(`${folder}/`, '') ?? 'settings';
      return `${path}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    })
    .filter((problem) => !NOT_OURS.has(problem));
}

/** Names that exist at run time, as the declarations of an entry point promise them; sorted. */
export function valueNames(
  program: ts.Program,
  project: Project,
  { name, types }: EntryPoint,
): string[] {
  const source = program.getSourceFile(join(project.installed, types));
  const checker = program.getTypeChecker();
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`Expected ${types} to be a module of the program, for ${name}.`);
  return checker
    .getExportsOfModule(module)
    .filter((symbol) => {
      // `export type { A }` of a class leaves no name behind.
      if (symbol.declarations?.some(ts.isTypeOnlyExportDeclaration)) return false;
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
      const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
      return (target.flags & ts.SymbolFlags.Value) !== 0;
    })
    .map((symbol) => symbol.name)
    .toSorted();
}
