import { parseArgs } from 'node:util';

export interface Arguments {
  readonly json: boolean;
  readonly write: boolean;
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly rounds: number;
  /** How long a row is measured in each round. */
  readonly seconds: number;
}

const USAGE =
  'npm run bench -- [--json] [--only NAME]… [--quick] [--rounds N] [--seconds S] [--write]';

/** What the user must know to call the bench rightly. */
export class UsageError extends Error {}

/**
 * @param names what `--only` may name
 * @throws UsageError
 */
export function readArguments(args: readonly string[], names: readonly string[]): Arguments {
  const { values } = parse(args);
  const { json = false, write = false, quick = false, only = [] } = values;
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    throw new UsageError(
      `--only: Expected names of rows, probes or goals, got ${unknown.join(', ')}. There are:\n${names.join('\n')}`,
    );
  }
  const rounds = whole('rounds', values.rounds) ?? (quick ? 1 : 5);
  const seconds = whole('seconds', values.seconds) ?? (quick ? 1 : 3);
  return { json, write, quick, only, rounds, seconds };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        write: { type: 'boolean' },
        quick: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${reason}\n${USAGE}`, { cause: error });
  }
}

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`--${name}: Expected a whole number above 0, got ${text}.`);
}
