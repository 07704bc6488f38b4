import { describe, expect, it } from 'vitest';
import { readArguments, UsageError } from '../../bench/arguments.js';

const NAMES = ['bareMap', 'importMs'];
const read = (...args: string[]) => readArguments(args, NAMES);

describe('the arguments of the bench', () => {
  it('are five rounds of everything without any', () => {
    expect(read()).toEqual({
      json: false,
      write: false,
      quick: false,
      only: [],
      rounds: 5,
      seconds: 3,
    });
  });

  it('make one short round with --quick', () => {
    expect(read('--quick')).toMatchObject({ quick: true, rounds: 1, seconds: 1 });
  });

  it('may say how many rounds, and how long, with --quick too', () => {
    expect(read('--quick', '--rounds', '7', '--seconds', '2')).toMatchObject({
      rounds: 7,
      seconds: 2,
    });
  });

  it('may name several rows and goals', () => {
    expect(read('--only', 'bareMap', '--only', 'importMs', '--json').only).toEqual(NAMES);
  });

  it('are answered with the names that there are when one is wrong', () => {
    expect(() => read('--only', 'bareMap', '--only', 'bareMapp')).toThrow(
      /got bareMapp\. There are:\nbareMap\nimportMs$/,
    );
  });

  it.each(['0', '-1', '1.5', 'many', ''])('refuse %j rounds', (rounds) => {
    expect(() => read(`--rounds=${rounds}`)).toThrow(UsageError);
  });

  it('are answered with how to call it when an option is wrong', () => {
    expect(() => read('--fast')).toThrow(/--fast[\s\S]*npm run bench -- \[--json\]/);
    expect(() => read('bareMap')).toThrow(UsageError);
  });
});
