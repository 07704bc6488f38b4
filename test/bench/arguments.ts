import { parseArgs } from 'node:util';

export interface Arguments {
  readonly json: boolean;
  readonly write: boolean;
  readonly quick: boolean;
  /** The cost curves instead of the tables. */
  readonly curves: boolean;
  readonly only: readonly string[];
  readonly rounds: number;
  /** How long a row or a point is measured in each round. */
  readonly seconds: number;
  /** Load before that; none with 0. */
  readonly warmUpSeconds: number;
}

/** What `--only` may name. */
export interface Names {
  readonly tables: readonly string[];
  readonly curves: readonly string[];
}

const USAGE =
  'npm run bench -- [--curves] [--json] [--only NAME]… [--quick] [--rounds N] [--seconds S] [--write]';

const PACE = {
  tables: { rounds: 5, seconds: 3, warmUpSeconds: 2 },
  curves: { rounds: 3, seconds: 2, warmUpSeconds: 1 },
};
const QUICK = { rounds: 1, seconds: 1, warmUpSeconds: 0 };

/** What the user must know to call the bench rightly. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readArguments(args: readonly string[], names: Names): Arguments {
  const { values } = parse(args);
  const { json = false, write = false, quick = false, curves = false, only = [] } = values;
  const kind = curves ? 'curves' : 'tables';
  const unknown = only.filter((name) => !names[kind].includes(name));
  if (unknown.length > 0) {
    const expected = curves ? 'curves' : 'rows, probes or goals';
    throw new UsageError(
      `--only: Expected names of ${expected}, got ${unknown.join(', ')}. There are:\n${names[kind].join('\n')}`,
    );
  }
  const pace = quick ? QUICK : PACE[kind];
  const rounds = whole('rounds', values.rounds) ?? pace.rounds;
  const seconds = whole('seconds', values.seconds) ?? pace.seconds;
  return { json, write, quick, curves, only, rounds, seconds, warmUpSeconds: pace.warmUpSeconds };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        write: { type: 'boolean' },
        quick: { type: 'boolean' },
        curves: { type: 'boolean' },
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
