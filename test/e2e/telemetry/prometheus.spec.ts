import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dashboard, groupedBy, metricsOf } from './dashboard.js';
import { eventfulLife, PROMPT } from './eventful-life.js';
import { ANSWER } from './observed-app.js';
import { ofThisPackage, readScrape, sumOf, type Sample } from './scrape.js';

const LLM_CACHE = 'nestjs_azure_redis_llm_cache';

/** Added by Prometheus to what it scrapes. */
const TARGET_LABELS = ['job'];

/** Names of histograms without what is behind them. */
const metricOf = (name: string): string => name.replace(/_(bucket|count|sum)$/, '');

let azure: LocalAzure;
let text: string;
let samples: readonly Sample[];

// One life for all tests: it takes as long as a few tokens live.
beforeAll(async () => {
  azure = await startLocalAzure({ tokenLifetimeMs: 4_000 });
  text = await eventfulLife(azure);
  samples = ofThisPackage(readScrape(text));
}, 60_000);
afterAll(() => azure.stop());

describe('a scrape by Prometheus', () => {
  it('has these metrics, and no others', () => {
    const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
      .map(([, name = '', type = '']) => `${name} ${type}`)
      .filter((line) => !line.startsWith('target_info'));
    expect(types.toSorted()).toStrictEqual([
      'db_client_connection_count gauge',
      'db_client_operation_duration histogram',
      'nestjs_azure_redis_connection_deferrals_total counter',
      'nestjs_azure_redis_connection_expirations_total counter',
      'nestjs_azure_redis_connection_reauthentications_total counter',
      'nestjs_azure_redis_connection_time_to_reauthentication gauge',
      `${LLM_CACHE}_answer_size histogram`,
      `${LLM_CACHE}_requests_total counter`,
      `${LLM_CACHE}_saved_cost_total counter`,
      `${LLM_CACHE}_saved_tokens_total counter`,
      `${LLM_CACHE}_saved_upstream_time_total counter`,
      `${LLM_CACHE}_shadow_cost_total counter`,
      `${LLM_CACHE}_shadow_tokens_total counter`,
      `${LLM_CACHE}_shadow_upstream_time_total counter`,
      'nestjs_azure_redis_store_skipped_operations_total counter',
      'nestjs_azure_redis_token_requests_total counter',
      'nestjs_azure_redis_token_time_to_expiry gauge',
    ]);
  });

  it.each([
    ['v1', 'ObservedController.chat', 'hit', 1],
    ['stale', 'ObservedController.stale', 'stale', 1],
    ['shadow', 'ObservedController.shadow', 'shadow', 1],
    ['shadow', 'ObservedController.shadow', 'miss', 2],
    ['stream', 'ObservedController.stream', 'collapsed', 1],
    ['stream', 'ObservedController.stream', 'miss', 1],
    ['bypassed', 'ObservedController.bypassed', 'bypass', 2],
  ])('counts the requests to %s: %s %s %i', (_path, route, result, count) => {
    const labels = {
      [`${LLM_CACHE}_route`]: route,
      [`${LLM_CACHE}_result`]: result,
      gen_ai_request_model: 'm',
      [`${LLM_CACHE}_bypass_reason`]: result === 'bypass' ? 'not-cacheable' : '',
    };
    expect(sumOf(samples, `${LLM_CACHE}_requests_total`, labels)).toBe(count);
  });

  it('counts what was saved, and apart from it what shadow mode would have', () => {
    const tokens = (kind: string, gen_ai_token_type: string): number =>
      sumOf(samples, `${LLM_CACHE}_${kind}_tokens_total`, { gen_ai_token_type });
    // A hit, a stale answer, and a shared stream, which says 3.
    expect([tokens('saved', 'input'), tokens('saved', 'output')]).toStrictEqual([17, 15]);
    expect([tokens('shadow', 'input'), tokens('shadow', 'output')]).toStrictEqual([7, 5]);
    expect(sumOf(samples, `${LLM_CACHE}_saved_cost_total`)).toBe(3.75);
    expect(sumOf(samples, `${LLM_CACHE}_shadow_cost_total`)).toBe(1.25);
    expect(sumOf(samples, `${LLM_CACHE}_answer_size_count`)).toBe(4);
  });

  it('tells the failures of the store by what Redis answered', () => {
    const count = (labels: Readonly<Record<string, string>>): number =>
      sumOf(samples, 'db_client_operation_duration_count', { db_system_name: 'redis', ...labels });
    expect(count({ error_type: 'OOM' })).toBe(1);
    expect(count({ db_operation_name: 'GET', error_type: '' })).toBeGreaterThan(3);
    expect(count({ db_operation_name: 'SET', error_type: '' })).toBeGreaterThan(3);
  });

  it('tells the connections and their tokens by the name of the connection', () => {
    const labels = { db_client_connection_pool_name: 'default', db_system_name: 'redis' };
    expect(sumOf(samples, 'db_client_connection_count', labels)).toBeGreaterThanOrEqual(1);
    expect(sumOf(samples, 'nestjs_azure_redis_token_time_to_expiry', labels)).toBeGreaterThan(0);
  });

  it('tells nobody a prompt, an answer, where Redis is, who connects, or with what', () => {
    const { tenantId, clientId, clientSecret, objectId } = azure.identity;
    const { host, port } = azure.connection;
    const secrets = [PROMPT, ANSWER, tenantId, clientId, clientSecret, objectId, `${host}:${port}`];
    expect([...secrets, 'eyJ'].filter((secret) => text.includes(secret))).toStrictEqual([]);
  });
});

describe('the dashboard for Grafana', () => {
  const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);
  const queries = targets.map(({ expr }) => expr);

  it('asks only for metrics and labels that are served', () => {
    const labelsOf = new Map<string, Set<string>>();
    for (const { name, labels } of samples) {
      const known = labelsOf.get(name) ?? new Set(TARGET_LABELS);
      for (const label of Object.keys(labels)) known.add(label);
      labelsOf.set(name, known);
    }
    const unknown = queries.flatMap(metricsOf).flatMap(({ metric, labels }) => {
      const served = labelsOf.get(metric);
      if (served === undefined) return [metric];
      return labels.filter((label) => !served.has(label)).map((label) => `${metric}: ${label}`);
    });
    expect(queries.length).toBeGreaterThan(20);
    expect(unknown).toStrictEqual([]);
  });

  it('shows every metric that is served', () => {
    const shown = new Set(queries.flatMap(metricsOf).map(({ metric }) => metricOf(metric)));
    const served = new Set(samples.map(({ name }) => metricOf(name)));
    expect([...served].filter((name) => !shown.has(name))).toStrictEqual([]);
  });

  it('names each series by what tells it apart', () => {
    const wrong = targets.filter(({ expr, legendFormat }) => {
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
      const series = groupedBy(expr).filter((label) => label !== 'le');
      return series.some((label) => !shown.includes(label)) || shown.length > series.length;
    });
    expect(wrong).toStrictEqual([]);
  });

  it('takes its values of results from those that are served', () => {
    const results = new Set(samples.map(({ labels }) => labels[`${LLM_CACHE}_result`]));
    const asked = queries.flatMap((query) =>
      [...query.matchAll(/llm_cache_result(?:=~|=|!=)"([^"]+)"/g)].flatMap(([, list = '']) =>
        list.split('|'),
      ),
    );
    expect(asked).toContain('hit');
    expect(asked.filter((result) => !results.has(result))).toStrictEqual([]);
  });

  it('can be imported anywhere: the data source is a variable', () => {
    const { templating, schemaVersion } = dashboard;
    expect(schemaVersion).toBeGreaterThanOrEqual(39);
    expect(templating.list.map(({ name, type }) => [name, type])).toStrictEqual([
      ['datasource', 'datasource'],
      ['job', 'query'],
    ]);
    const [, job] = templating.list;
    const [, metric] = /^label_values\((\w+), job\)$/.exec(job?.definition ?? '') ?? [];
    expect(samples.map(({ name }) => name)).toContain(metric);
    const sources = targets.map(({ datasource }) => datasource.uid);
    expect(new Set(sources)).toStrictEqual(new Set(['${datasource}']));
  });

  it('has its panels side by side', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(taken).size).toBe(taken.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });
});
