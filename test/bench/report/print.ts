import type { BenchReport, FailedReport, GoalReport, RowReport } from './report.interface.js';
import { notes } from './notes.js';
import { toMarkdown } from './table.js';

/** The report for people, in Markdown. */
export function print(report: BenchReport): string {
  const failed = [...report.rows, ...report.probes].filter(isFailed);
  return [
    ...rowTables(report),
    ...probeTable(report),
    ...goalTable(report),
    ...notes(report, failed),
  ].join('\n\n');
}

const isFailed = (report: object): report is FailedReport => 'error' in report;

function rowTables({ rows }: BenchReport): string[] {
  const measured = rows.filter((row): row is RowReport => !isFailed(row));
  const groups = [...new Set(measured.map(({ group }) => group))];
  return groups.flatMap((group) => [
    `### ${group}`,
    toMarkdown({
      head: ['', 'requests/s', '÷ reference', 'p50 µs', 'p99 µs', 'CPU µs', 'spread', 'row'],
      lines: measured
        .filter((row) => row.group === group)
        .map((row) => [
          row.title,
          whole(row.requestsPerSecond),
          row.perReference === null ? '' : row.perReference.toFixed(2),
          whole(row.p50Us),
          whole(row.p99Us),
          row.cpuUs.toFixed(1),
          `${whole(row.spreadPercent)} %${row.isNoisy ? ', noisy' : ''}`,
          row.name,
        ]),
    }),
  ]);
}

function probeTable({ probes }: BenchReport): string[] {
  const lines = probes.flatMap((probe) =>
    isFailed(probe)
      ? []
      : [[probe.title, amount(probe.value, probe.unit), `${whole(probe.spreadPercent)} %`]],
  );
  return lines.length === 0
    ? []
    : ['### Single numbers', toMarkdown({ head: ['', 'value', 'spread'], lines })];
}

function goalTable({ goals }: BenchReport): string[] {
  if (goals.length === 0) return [];
  const head = ['goal', 'value', 'wanted', 'aim', 'spread', 'verdict', 'what'];
  const lines = goals.map((goal) => [
    goal.name,
    goal.value === null ? '' : amount(goal.value, goal.unit),
    wanted(goal),
    goal.aim === null ? '' : amount(goal.aim, goal.unit),
    `${whole(goal.spreadPercent)} %`,
    goal.verdict,
    goal.meaning,
  ]);
  return ['### Goals', toMarkdown({ head, lines })];
}

const wanted = ({ better, threshold, unit }: GoalReport): string =>
  `${better === 'more' ? '≥' : '≤'} ${amount(threshold, unit)}`;

const whole = (value: number): string => Math.round(value).toLocaleString('en');

const amount = (value: number, unit: string): string =>
  unit === '' ? value.toFixed(2) : `${Number(value.toPrecision(3))} ${unit}`;
