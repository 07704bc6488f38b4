import { parseArgs, type ParseArgsConfig } from 'node:util';
import { nearestName } from '../options/nearest-name.js';
import { UsageError } from './usage-error.js';

type FlagConfigs = NonNullable<ParseArgsConfig['options']>;

/** What to do instead, for flags that people expect. */
type Advice = Readonly<Record<string, string>>;

export type FlagValues<Flags extends FlagConfigs> = ReturnType<
  typeof parseArgs<{ options: Flags; strict: true }>
>['values'];

/**
 * The values of the flags.
 *
 * @throws {UsageError} which never quotes a value: it may be a secret in the wrong place
 */
export function readFlags<const Flags extends FlagConfigs>(
  args: readonly string[],
  flags: Flags,
  advice: Advice,
): FlagValues<Flags> {
  rejectUnknown(args, flags, advice);
  try {
    return parseArgs({ args: [...args], options: flags, strict: true }).values;
  } catch (error) {
    // Names the flag; values were looked at above.
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function rejectUnknown(args: readonly string[], flags: FlagConfigs, advice: Advice): void {
  const { tokens } = parseArgs({ args: [...args], options: flags, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'positional') {
      throw new UsageError(`Expected flags only, got a word without one. ${listOf(flags)}`);
    }
    if (token.kind === 'option' && !isKnown(token.name, flags)) {
      throw unknownFlag(token.name, flags, advice);
    }
  }
}

const isKnown = (name: string, flags: FlagConfigs): boolean =>
  Object.hasOwn(flags, name) || Object.values(flags).some(({ short }) => short === name);

function unknownFlag(name: string, flags: FlagConfigs, advice: Advice): UsageError {
  const shown = /^[a-z][a-z0-9-]{0,30}$/i.test(name) ? `--${name}` : 'another one';
  const nearest = nearestName(name, Object.keys(flags));
  const otherwise = nearest === undefined ? listOf(flags) : `Did you mean --${nearest}?`;
  const next = Object.hasOwn(advice, name) ? advice[name] : otherwise;
  return new UsageError(`Expected a known flag, got ${shown}. ${next}`);
}

const listOf = (flags: FlagConfigs): string =>
  `Known are ${Object.keys(flags)
    .map((name) => `--${name}`)
    .join(', ')}.`;
