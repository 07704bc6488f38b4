import { dirname } from 'node:path';
import ts from 'typescript';

const printer = ts.createPrinter({ removeComments: true });

/**
 * The declarations that an entry point exports, as text. Members that are not for users are left
 * out: private ones, `@internal` ones, and constructors that want what is not exported (Nest calls
 * them).
 */
export class PublicApi {
  readonly exported: readonly string[];
  /** Declarations of the package that the exported ones mention, and those that these mention. */
  readonly mentioned: readonly string[];
  readonly #checker: ts.TypeChecker;
  readonly #folder: string;
  readonly #exports: ReadonlySet<ts.Symbol>;
  readonly #found: Set<ts.Symbol>;

  constructor(entry: string) {
    const program = ts.createProgram([entry], {
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      types: ['node'],
      skipLibCheck: true,
    });
    this.#checker = program.getTypeChecker();
    this.#folder = dirname(entry);
    const source = program.getSourceFile(entry);
    const module = source && this.#checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`Expected a module in ${entry}. Run npm run build.`);

    this.#exports = new Set(
      this.#checker.getExportsOfModule(module).map((symbol) => this.#withoutAlias(symbol)),
    );
    // A set that grows while it is walked: what is mentioned may mention more.
    this.#found = new Set(this.#exports);
    const printed = [...this.#print(this.#found)].toSorted(([a], [b]) =>
      a.name < b.name ? -1 : 1,
    );
    // One statement may declare several names.
    const texts = (isExported: boolean): string[] => [
      ...new Set(
        printed
          .filter(([symbol]) => this.#exports.has(symbol) === isExported)
          .map(([, text]) => text),
      ),
    ];
    this.exported = texts(true);
    this.mentioned = texts(false);
  }

  *#print(symbols: Iterable<ts.Symbol>): Generator<readonly [ts.Symbol, string]> {
    for (const symbol of symbols) {
      for (const declaration of symbol.declarations ?? []) {
        const statement = this.#usable(statementOf(declaration));
        for (const mentioned of this.#mentionsOf(statement)) this.#found.add(mentioned);
        const source = declaration.getSourceFile();
        yield [symbol, printer.printNode(ts.EmitHint.Unspecified, statement, source)];
      }
    }
  }

  #usable(statement: ts.Node): ts.Node {
    if (!ts.isClassDeclaration(statement)) return statement;
    const { modifiers, name, typeParameters, heritageClauses, members } = statement;
    return ts.factory.createClassDeclaration(
      modifiers,
      name,
      typeParameters,
      heritageClauses,
      members.filter((member) => !isHidden(member) && !this.#isNestsConstructor(member)),
    );
  }

  #isNestsConstructor(member: ts.ClassElement): boolean {
    return (
      ts.isConstructorDeclaration(member) &&
      this.#mentionsOf(member).some((mentioned) => !this.#exports.has(mentioned))
    );
  }

  /** Top-level declarations of the package. */
  #mentionsOf(node: ts.Node): ts.Symbol[] {
    const symbol = ts.isIdentifier(node) ? this.#checker.getSymbolAtLocation(node) : undefined;
    const mentioned = symbol && this.#withoutAlias(symbol);
    const inside: ts.Symbol[] = [];
    ts.forEachChild(node, (child) => void inside.push(...this.#mentionsOf(child)));
    return mentioned && this.#isOwn(mentioned) ? [mentioned, ...inside] : inside;
  }

  #isOwn({ declarations: [declaration] = [] }: ts.Symbol): boolean {
    return (
      declaration !== undefined &&
      declaration.getSourceFile().fileName.startsWith(this.#folder) &&
      ts.isSourceFile(statementOf(declaration).parent)
    );
  }

  #withoutAlias(symbol: ts.Symbol): ts.Symbol {
    const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
    return isAlias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }
}

const statementOf = (declaration: ts.Declaration): ts.Node =>
  ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;

function isHidden(member: ts.ClassElement): boolean {
  const isInternal = ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');
  const isNamedPrivate = member.name !== undefined && ts.isPrivateIdentifier(member.name);
  const isPrivate = (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;
  return isInternal || isNamedPrivate || isPrivate;
}
