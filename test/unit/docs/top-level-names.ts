import ts from 'typescript';

export interface TopLevelName {
  readonly name: string;
  readonly isType: boolean;
  readonly isImported?: true;
}

/** What a module imports, declares or passes on. */
export function topLevelNamesOf(code: string): TopLevelName[] {
  return ts
    .createSourceFile('module.ts', code, ts.ScriptTarget.ES2023)
    .statements.flatMap((statement): TopLevelName[] => {
      if (ts.isExportDeclaration(statement)) {
        return namesOf(statement.exportClause, statement.isTypeOnly);
      }
      if (ts.isImportDeclaration(statement)) {
        const names = namesOf(statement.importClause?.namedBindings, false);
        return names.map((imported) => ({ ...imported, isImported: true }));
      }
      if (ts.isVariableStatement(statement)) {
        return statement.declarationList.declarations.flatMap(({ name }) => value(name));
      }
      if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
        return [{ name: statement.name.text, isType: true }];
      }
      if (ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) {
        return value(statement.name);
      }
      return [];
    });
}

function namesOf(
  bindings: ts.NamedExportBindings | ts.NamedImportBindings | undefined,
  isType: boolean,
): TopLevelName[] {
  if (bindings === undefined) return [];
  return ts.isNamedExports(bindings) || ts.isNamedImports(bindings)
    ? bindings.elements.map(({ name, isTypeOnly }) => ({
        name: name.text,
        isType: isType || isTypeOnly,
      }))
    : [{ name: bindings.name.text, isType }];
}

function value(name: ts.BindingName | undefined): TopLevelName[] {
  if (name === undefined) return [];
  if (ts.isIdentifier(name)) return [{ name: name.text, isType: false }];
  return name.elements.flatMap((element) =>
    ts.isBindingElement(element) ? value(element.name) : [],
  );
}
