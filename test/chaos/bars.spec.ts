import { afterAll, describe, expect, it } from 'vitest';
import { barSettings } from './settings.js';
import { hold, type Result } from './side-by-side/contest.js';
import { table } from './side-by-side/table.js';

const { standaloneSeconds, clusterSeconds, quietToo } = barSettings;
const rows: { readonly scenario: string; readonly result: Result }[] = [];

afterAll(() => {
  process.stdout.write(table(rows));
});

const QUIET = ['loses nothing at all', undefined] as const;
const DISTURBED = ['fails no command in outages of Entra and with killed sockets', 1] as const;

describe.each([
  ['standalone', standaloneSeconds],
  ['cluster', clusterSeconds],
] as const)('%s, %i s, tokens of 3 s', (topology, seconds) => {
  it.each(quietToo ? [QUIET, DISTURBED] : [DISTURBED])(
    '%s',
    { timeout: (seconds + 60) * 1_000 },
    async (_promise, disturbancesOfSeed) => {
      const { ours, nodeRedis } = await hold({ topology, seconds, disturbancesOfSeed });
      const isQuiet = disturbancesOfSeed === undefined;
      remember(isQuiet ? topology : `${topology}, outages and kills`, ours, nodeRedis);
      expectNoFailures(ours, seconds);
      expect(isQuiet ? lossesOf(ours) : NO_LOSSES).toEqual(NO_LOSSES);
    },
  );
});

const NO_LOSSES = { errorEvents: 0, cutTransactions: 0, expired: 0, messages: 0 };

const lossesOf = ({ errorEvents, cutTransactions, expired, published, received }: Result) => ({
  errorEvents,
  cutTransactions,
  expired,
  messages: published - received,
});

function expectNoFailures(result: Result, seconds: number): void {
  expect(Object.entries(result.failures)).toEqual([]);
  expect(result).toMatchObject({ unhandledRejections: 0, rejected: 0 });
  expect(result.rounds).toBeGreaterThan(seconds * 10);
}

function remember(scenario: string, ...results: Result[]): void {
  for (const result of results) {
    rows.push({ scenario, result });
    // The comparison is fair only if the other one worked, too.
    expect(result.rounds).toBeGreaterThan(0);
  }
}
