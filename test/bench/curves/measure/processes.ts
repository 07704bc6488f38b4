import { NEAR_CACHE } from '../../plan/near-cache.js';
import { GET } from '../../plan/requests.js';
import type { Workload } from '../../plan/row.interface.js';
import type { Bench } from '../../run/bench.js';
import { measureServers } from '../../run/measure-row.js';
import type { ServerProcess } from '../../run/server-process.js';
import type { Reading } from '../plan/curve.interface.js';
import { readingOf } from '../plan/quantities.js';

const HITS: Workload = { request: GET, source: 'cache-header' };
/** Processes of one application. */
const NAMESPACE = 'bench-processes';

export async function measureProcesses(
  bench: Bench,
  count: number,
  isNear: boolean,
): Promise<Reading> {
  await bench.redis.clear();
  const settings = {
    platform: 'fastify',
    route: 'cached',
    namespace: NAMESPACE,
    ...(isNear && { cache: NEAR_CACHE }),
  };
  const withMore = (servers: readonly ServerProcess[]): Promise<Reading> =>
    servers.length === count
      ? measured(bench, servers)
      : bench.withServer(
          'nest',
          settings,
          (server) => withMore([...servers, server]),
          bench.pinning.anyCorePrefix,
        );
  return withMore([]);
}

async function measured(bench: Bench, servers: readonly ServerProcess[]): Promise<Reading> {
  const { values } = readingOf(await measureServers(bench, HITS, servers));
  // They share their cores with everything else on purpose.
  return { values, disturbance: undefined };
}
