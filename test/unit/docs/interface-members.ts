import ts from 'typescript';
import { read } from '../../fixtures/docs/pages.js';

/** The names of an interface's properties, from its source. */
export function membersOf(file: string, name: string): string[] {
  const { statements } = ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2023);
  const found = statements.find(
    (statement): statement is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  );
  if (found === undefined) throw new Error(`Expected ${file} to declare the interface ${name}`);
  return found.members.flatMap((member) =>
    member.name !== undefined && ts.isIdentifier(member.name) ? [member.name.text] : [],
  );
}
