import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import type { AzureRedisCacheOptions } from 'nestjs-azure-redis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { plain, tableOf } from '../../fixtures/docs/tables.js';
import { eventually } from '../../fixtures/eventually.js';
import { TYPICAL_ANSWERS, type TypicalAnswer } from './typical-answers.js';

const PAGE = 'docs/capacity.md';
/** The defaults, which the fixture changes. */
const COMPRESSED = { llm: { compressAboveBytes: 16_384 } };

async function start(
  topology: 'standalone' | 'cluster',
  cache: AzureRedisCacheOptions,
): Promise<{ azure: LocalAzure; cached: CachedApp }> {
  const azure = await startLocalAzure({ topology });
  onTestFinished(() => azure.stop());
  const cached = await startCachedApp(azure, { cache });
  onTestFinished(() => cached.app.close());
  return { azure, cached };
}

async function ask({ cache }: CachedApp, { path, request, answer }: TypicalAnswer): Promise<void> {
  const fetch = cache.createFetch({ scope: 'a tenant', fetch: () => Promise.resolve(answer()) });
  const response = await fetch(`http://model.test/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  await response.text();
}

describe('the table of entries', () => {
  const sizes = tableOf(PAGE, 'one entry').map(([, bytes]) => Number(bytes));

  it('has what Redis keeps', async () => {
    const { cached } = await start('standalone', COMPRESSED);
    const known = new Set<string>();
    const measured: number[] = [];
    for (const typical of TYPICAL_ANSWERS) {
      await ask(cached, typical);
      await eventually('the answer is stored', async () => {
        const entry = (await cached.entries()).find((name) => !known.has(name));
        if (entry === undefined) return false;
        known.add(entry);
        return measured.push(await cached.redis.strlen(entry)) > 0;
      });
    }
    const ratios = sizes.map((size, index) => (measured[index] ?? 0) / size);
    expect(sizes).toHaveLength(TYPICAL_ANSWERS.length);
    // Of the size of a stream it is the compression that may differ between versions of Node.
    expect(ratios.map((ratio) => Math.abs(ratio - 1) < 0.15)).toEqual(sizes.map(() => true));
  });
});

describe('the table of connections', () => {
  const rows = tableOf(PAGE, 'a process with').flatMap(([options = '', standalone, cluster]) => [
    { options: plain(options), topology: 'standalone' as const, connections: Number(standalone) },
    { options: plain(options), topology: 'cluster' as const, connections: Number(cluster) },
  ]);

  it.each(rows)('$options, $topology: $connections', async ({ options, topology, connections }) => {
    const { azure, cached } = await start(topology, cacheOptions(options));
    for (const typical of TYPICAL_ANSWERS) await ask(cached, typical);
    // Nodes of a cluster are connected to when something is asked of them.
    await Promise.all(Array.from({ length: 50 }, (_, index) => cached.redis.get(`key ${index}`)));
    // The slots of a cluster are looked up over one of its own, which is closed then.
    await eventually(
      `${azure.redis.connections} are ${connections} connections`,
      () => azure.redis.connections === connections,
    );
  });
});

function cacheOptions(written: string): AzureRedisCacheOptions {
  const code = /^cache: (.+)$/.exec(written)?.[1];
  const options: AzureRedisCacheOptions = code === undefined ? {} : parse(code);
  return options;
}
