type Variables = Readonly<Record<string, string>>;

/** Means itself to every shell and to every reader of .env files. */
const PLAIN = /^[\w./:@%+,-]+$/;

/** Lines for a POSIX shell, quoted whatever the values are. */
export function asShell(variables: Variables): readonly string[] {
  return Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`,
  );
}

/** Lines of a .env file, as dotenv, `node --env-file` and shells read them. */
export function asEnvironmentFile(variables: Variables): readonly string[] {
  return Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}`);
}

/** Such files know no escapes in common: the quote is one that the value does not have. */
function quoted(value: string): string {
  if (PLAIN.test(value)) return value;
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}
