import type { Row } from '../plan/row.interface.js';
import type { Measurement } from '../run/measure-row.js';
import { median, spread } from '../run/medians.js';
import type { Results } from '../run/rounds.js';
import type { FailedReport, RowReport } from './report.interface.js';

/** From which spread on a row is called noisy. */
const NOISY_SPREAD = 0.15;
/** Shares of the server's core. */
const NOISY_OTHERS = 0.1;
const NOISY_STOLEN = 0.02;

export function reportRow(row: Row, results: Results): RowReport | FailedReport {
  const { name, title, group, reference } = row;
  const measured = measurementsOf(name, results);
  const error = results.failures.get(name);
  if (error !== undefined) return { name, error };
  const middle = (of: (measurement: Measurement) => number): number =>
    median(measured.map(of)) ?? 0;
  const ratios = results.rounds.flatMap(({ rows }) => {
    const [own, other] = [rows.get(name), rows.get(reference)];
    return own && other ? [other.cpuUs / own.cpuUs] : [];
  });
  const spreadOfRow = spread(measured.map(({ cpuUs }) => cpuUs));
  return {
    name,
    title,
    group,
    requestsPerSecond: middle(({ requestsPerSecond }) => requestsPerSecond),
    p50Us: middle(({ p50Us }) => p50Us),
    p99Us: middle(({ p99Us }) => p99Us),
    cpuUs: middle(({ cpuUs }) => cpuUs),
    perReference: median(ratios) ?? null,
    reference,
    spreadPercent: spreadOfRow * 100,
    isNoisy: spreadOfRow > NOISY_SPREAD || isDisturbed(measured),
  };
}

/** What others took of the core, in sentences. */
export function noiseOf(rows: readonly Row[], results: Results): string[] {
  return rows.flatMap(({ name }) => {
    const measured = measurementsOf(name, results);
    const percent = spread(measured.map(({ cpuUs }) => cpuUs)) * 100;
    const { others, stolen } = worst(measured);
    return [
      ...(percent > NOISY_SPREAD * 100 ? [`${name}: spread of ${percent.toFixed(0)} %`] : []),
      ...(others > NOISY_OTHERS
        ? [`${name}: others took ${(others * 100).toFixed(0)} % of the server's core in one round`]
        : []),
      ...(stolen > NOISY_STOLEN
        ? [`${name}: the host took ${(stolen * 100).toFixed(0)} % of the core in one round`]
        : []),
    ];
  });
}

function isDisturbed(measured: readonly Measurement[]): boolean {
  const { others, stolen } = worst(measured);
  return others > NOISY_OTHERS || stolen > NOISY_STOLEN;
}

function worst(measured: readonly Measurement[]) {
  const shares = measured.flatMap(({ disturbance }) => disturbance ?? []);
  return {
    others: Math.max(0, ...shares.map(({ others }) => others)),
    stolen: Math.max(0, ...shares.map(({ stolen }) => stolen)),
  };
}

const measurementsOf = (name: string, { rounds }: Results): Measurement[] =>
  rounds.flatMap(({ rows }) => rows.get(name) ?? []);
