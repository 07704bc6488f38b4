import ts from 'typescript';

/** One import, re-export, `import()` or `import('…')` type of a source file. */
export interface SourceImport {
  specifier: string;
  /** `type` leaves nothing behind in JavaScript, `dynamic` loads when it is reached. */
  kind: 'static' | 'dynamic' | 'type';
}

/** What the architecture rules need to know of one source file. */
export interface SourceFacts {
  /** Path below `lib`, with forward slashes. */
  path: string;
  imports: readonly SourceImport[];
  readsProcessEnv: boolean;
  hasDefaultExport: boolean;
  hasExportStar: boolean;
}

export function readSource(path: string, text: string): SourceFacts {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const imports: SourceImport[] = [];
  let readsProcessEnv = false;
  let hasDefaultExport = false;
  let hasExportStar = false;

  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found) imports.push(found);
    if (isProcessEnv(node)) readsProcessEnv = true;
    if (isDefaultExport(node)) hasDefaultExport = true;
    if (ts.isExportDeclaration(node) && !isNamedExports(node)) hasExportStar = true;
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { path, imports, readsProcessEnv, hasDefaultExport, hasExportStar };
}

function importOf(node: ts.Node): SourceImport | undefined {
  if (ts.isImportDeclaration(node)) {
    // `import { type A }` without `import type` still loads the module (verbatimModuleSyntax).
    const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return specifierOf(node.moduleSpecifier, isType ? 'type' : 'static');
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return specifierOf(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static');
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return specifierOf(node.argument.literal, 'type');
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return specifierOf(node.arguments[0], 'dynamic');
  }
  return undefined;
}

function specifierOf(
  node: ts.Node | undefined,
  kind: SourceImport['kind'],
): SourceImport | undefined {
  return node && ts.isStringLiteralLike(node) ? { specifier: node.text, kind } : undefined;
}

function isNamedExports(node: ts.ExportDeclaration): boolean {
  return node.exportClause !== undefined && ts.isNamedExports(node.exportClause);
}

/** `process.env`, `process['env']`, `{ env } = process`, `import { env } from 'node:process'`. */
function isProcessEnv(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) {
    return isProcess(node.expression) && node.name.text === 'env';
  }
  if (ts.isElementAccessExpression(node)) {
    const key = node.argumentExpression;
    return isProcess(node.expression) && ts.isStringLiteralLike(key) && key.text === 'env';
  }
  if (ts.isVariableDeclaration(node)) {
    return (
      node.initializer !== undefined &&
      isProcess(node.initializer) &&
      ts.isObjectBindingPattern(node.name)
    );
  }
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return ['process', 'node:process'].includes(node.moduleSpecifier.text);
  }
  return false;
}

function isProcess(node: ts.Expression): boolean {
  return (
    (ts.isIdentifier(node) && node.text === 'process') ||
    (ts.isPropertyAccessExpression(node) && node.name.text === 'process')
  );
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return ts.canHaveModifiers(node)
    ? (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
    : false;
}
