import { readFileSync } from 'node:fs';

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: { readonly uid: string };
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly Target[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
}

export interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly Variable[] };
  readonly panels: readonly Panel[];
}

export const dashboard: Dashboard = JSON.parse(
  readFileSync(new URL('../../../sample/grafana/nestjs-azure-redis.json', import.meta.url), 'utf8'),
);

/** A metric of a query, and the labels that are asked of it. */
export interface Asked {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** What PromQL itself is made of, as far as the dashboard uses it. */
const WORDS: ReadonlySet<string> = new Set([
  'by',
  'histogram_quantile',
  'increase',
  'min',
  'or',
  'rate',
  'sum',
  'vector',
]);

/** What the series of a query are told apart by. */
export const groupedBy = (query: string): readonly string[] =>
  [...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/, */));

/** @throws for a metric without a selector, and for any other word that is not known */
export function metricsOf(query: string): readonly Asked[] {
  const grouped = groupedBy(query);
  const selectors = [...query.matchAll(/(\w+)\{([^}]*)\}/g)];
  const rest = query
    .replaceAll(/\w+\{[^}]*\}/g, '')
    .replaceAll(/by \([^)]*\)/g, 'by')
    .replaceAll(/\[\$__\w+\]/g, '');
  const [unknown] = (rest.match(/[a-zA-Z_]\w*/g) ?? []).filter((word) => !WORDS.has(word));
  if (unknown !== undefined) throw new Error(`Expected a known word, got ${unknown}: ${query}`);
  return selectors.map(([, metric = '', matchers = '']) => {
    const asked = [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)"/g)].map(([, label = '']) => label);
    return { metric, labels: [...asked, ...grouped] };
  });
}
