import type { Row } from '../plan/row.interface.js';
import type { Measurement } from '../run/measure-row.js';
import { median, spread } from '../run/medians.js';
import type { Results } from '../run/rounds.js';
import { noiseOf } from './noise.js';
import type { FailedReport, RowReport } from './report.interface.js';

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
    spreadPercent: spread(measured.map(({ cpuUs }) => cpuUs)) * 100,
    isNoisy: noiseOfRow(row, results).length > 0,
  };
}

/** In sentences. */
export function noiseOfRow({ name }: Row, results: Results): string[] {
  const measured = measurementsOf(name, results);
  return noiseOf({
    name,
    values: measured.map(({ cpuUs }) => cpuUs),
    disturbances: measured.flatMap(({ disturbance }) => disturbance ?? []),
  });
}

const measurementsOf = (name: string, { rounds }: Results): Measurement[] =>
  rounds.flatMap(({ rows }) => rows.get(name) ?? []);
