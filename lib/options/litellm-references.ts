import type { Environment } from './from-environment.js';
import { trimmed } from './litellm-values.js';
import type { OptionProblems } from './option-problems.js';

const PREFIX = 'os.environ/';

/** Looks up `os.environ/NAME`; other values pass. A variable that does not exist is a problem. */
export function resolveReference(
  value: unknown,
  env: Environment,
  path: string,
  problems: OptionProblems,
): unknown {
  const written = trimmed(value);
  if (typeof written !== 'string' || !written.startsWith(PREFIX)) return written;
  const name = written.slice(PREFIX.length);
  if (!/^\w{1,100}$/.test(name)) {
    problems.add(path, `${PREFIX}NAME`, 'no name of a variable', 'write the name of a variable');
    return undefined;
  }
  const variable = Object.hasOwn(env, name) ? env[name] : undefined;
  if (variable === undefined) {
    problems.add(path, `the variable ${name} to be set`, 'nothing', 'set it or remove the key');
  }
  return trimmed(variable);
}
