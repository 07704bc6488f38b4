import type { Bench } from '../../run/bench.js';
import { measureServers } from '../../run/measure-row.js';
import type { NestSettings, RedisAddress } from '../../servers/settings.js';
import type { Reading } from '../plan/curve.interface.js';
import { readingOf } from '../plan/quantities.js';
import { BenchCluster } from './bench-cluster.js';
import { storeAll, variedHits } from './variants.js';

/** So many that each node has some. */
const HITS = variedHits(100);

export async function measureOnStandalone(bench: Bench): Promise<Reading> {
  await bench.redis.clear();
  return measureAt(bench, bench.redis.address);
}

/** A cluster that runs meanwhile only: its nodes would take time from the other points. */
export async function measureOnCluster(bench: Bench, nodes: number): Promise<Reading> {
  const cluster = await BenchCluster.start(bench.workspace, nodes);
  try {
    const reading = await measureAt(bench, cluster.address);
    const sizes = await cluster.sizes();
    if (sizes.includes(0)) throw new Error(`Expected entries on all nodes, got ${sizes.join()}.`);
    return reading;
  } finally {
    await cluster.stop();
  }
}

function measureAt(bench: Bench, redis: RedisAddress): Promise<Reading> {
  const settings: NestSettings & { readonly redis: RedisAddress } = {
    platform: 'fastify',
    route: 'cached',
    redis,
  };
  return bench.withServer('nest', settings, async (server) => {
    await storeAll(server.url, HITS);
    return readingOf(await measureServers(bench, HITS, [server]));
  });
}
