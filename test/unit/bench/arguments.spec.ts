import { describe, expect, it } from 'vitest';
import { readArguments, UsageError } from '../../bench/arguments.js';

const TABLES = ['bareMap', 'importMs'];
const NAMES = { tables: TABLES, curves: ['nodes', 'fanOut'] };
const read = (...args: string[]) => readArguments(args, NAMES);

describe('the arguments of the bench', () => {
  it('are five rounds of everything without any', () => {
    expect(read()).toEqual({
      json: false,
      write: false,
      quick: false,
      curves: false,
      only: [],
      rounds: 5,
      seconds: 3,
      warmUpSeconds: 2,
    });
  });

  it('are three shorter rounds with --curves, which has more to measure', () => {
    expect(read('--curves')).toMatchObject({
      curves: true,
      rounds: 3,
      seconds: 2,
      warmUpSeconds: 1,
    });
  });

  it('make one short round with --quick', () => {
    const quick = { quick: true, rounds: 1, seconds: 1, warmUpSeconds: 0 };
    expect(read('--quick')).toMatchObject(quick);
    expect(read('--quick', '--curves')).toMatchObject(quick);
  });

  it('may say how many rounds, and how long, with --quick too', () => {
    expect(read('--quick', '--rounds', '7', '--seconds', '2')).toMatchObject({
      rounds: 7,
      seconds: 2,
    });
  });

  it('may name several rows and goals', () => {
    expect(read('--only', 'bareMap', '--only', 'importMs', '--json').only).toEqual(TABLES);
  });

  it('are answered with the names that there are when one is wrong', () => {
    expect(() => read('--only', 'bareMap', '--only', 'bareMapp')).toThrow(
      /got bareMapp\. There are:\nbareMap\nimportMs$/,
    );
  });

  it('name curves with --curves, and nothing else', () => {
    expect(read('--curves', '--only', 'fanOut').only).toEqual(['fanOut']);
    expect(() => read('--curves', '--only', 'bareMap')).toThrow(
      /names of curves, got bareMap\. There are:\nnodes\nfanOut$/,
    );
    expect(() => read('--only', 'fanOut')).toThrow(/names of rows, probes or goals, got fanOut/);
  });

  it.each(['0', '-1', '1.5', 'many', ''])('refuse %j rounds', (rounds) => {
    expect(() => read(`--rounds=${rounds}`)).toThrow(UsageError);
  });

  it('are answered with how to call it when an option is wrong', () => {
    expect(() => read('--fast')).toThrow(/--fast[\s\S]*npm run bench -- \[--curves\] \[--json\]/);
    expect(() => read('bareMap')).toThrow(UsageError);
  });
});
