import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import type { PackedPackage } from './packed-package.js';

/** Compiles an ES module and a CommonJS file of the user's, each importing every entry point. */
export function compileConsumer({ manifest, consumer }: PackedPackage): ts.Program {
  const imports = Object.entries(manifest.exports)
    .filter(([, target]) => typeof target !== 'string')
    .map(([entry], index) => {
      const name = entry.replace('.', manifest.name);
      return `import * as entry${index} from '${name}';\nexport { entry${index} };\n`;
    });
  const files = ['consumer.mts', 'consumer.cts'].map((file) => join(consumer, file));
  for (const file of files) writeFileSync(file, imports.join(''));
  return ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(consumer, 'node_modules', '@types')],
  });
}

/** What the compiler finds wrong in the user's files and in the package, not in its dependencies. */
export function typeProblems(program: ts.Program, { consumer }: PackedPackage): string[] {
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file === undefined || file.fileName.startsWith(consumer))
    .map(
      ({ file, messageText }) =>
        `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    );
}

/** Names that exist at run time, as the declarations of an entry point promise them; sorted. */
export function valueNames(program: ts.Program, packed: PackedPackage, entry: string): string[] {
  const declared = packed.manifest.exports[entry.replace(packed.manifest.name, '.')];
  if (declared === undefined || typeof declared === 'string') throw new Error(`No types: ${entry}`);
  const source = program.getSourceFile(join(packed.installed, declared.types));
  const checker = program.getTypeChecker();
  const module = source && checker.getSymbolAtLocation(source);
  if (!module) throw new Error(`No module: ${declared.types}`);
  return checker
    .getExportsOfModule(module)
    .filter((symbol) => {
      // `export type { A }` of a class leaves no name behind.
      if (symbol.declarations?.some(ts.isTypeOnlyExportDeclaration)) return false;
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
      const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
      return (target.flags & ts.SymbolFlags.Value) !== 0;
    })
    .map(({ name }) => name)
    .toSorted();
}
