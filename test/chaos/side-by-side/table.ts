import type { Result } from './contest.js';

const COLUMNS: readonly (readonly [string, (result: Result) => string | number])[] = [
  ['client', ({ name }) => name],
  ['rounds', ({ rounds }) => rounds],
  ['failed', ({ failures }) => Object.values(failures).reduce((sum, count) => sum + count, 0)],
  ['own MULTI cut', ({ cutTransactions }) => cutTransactions],
  ['unhandled', ({ unhandledRejections }) => unhandledRejections],
  ['AUTHs', ({ auths }) => auths],
  ['refused', ({ rejected }) => rejected],
  ['expired', ({ expired }) => expired],
  ['messages', ({ published, received }) => `${received}/${published}`],
];

/** Clients side by side, one block for each scenario. */
export function table(rows: readonly { scenario: string; result: Result }[]): string {
  const lines = [
    ['scenario', ...COLUMNS.map(([title]) => title)],
    ...rows.map(({ scenario, result }) => [
      scenario,
      ...COLUMNS.map(([, cell]) => String(cell(result))),
    ]),
  ];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const causes = rows.flatMap(({ scenario, result }) =>
    Object.entries(result.failures).map(
      ([message, count]) => `  ${result.name} (${scenario}): ${count} × ${message}`,
    ),
  );
  return `\n${[...text, ...causes].join('\n')}\n`;
}
