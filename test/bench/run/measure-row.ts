import type { LoadResult } from '../load/load.interface.js';
import type { ServedWorkload, Workload } from '../plan/row.interface.js';
import type { Usage } from '../servers/orders.js';
import type { Bench } from './bench.js';
import { checkAnswer, checkUsage } from './check-answer.js';
import { disturbance, processorTime, type Disturbance } from './processor-time.js';
import type { ServerProcess } from './server-process.js';

const CONNECTIONS = 50;

/** One row in one round. */
export interface Measurement {
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the server per request, with the work that the answers leave behind. */
  readonly cpuUs: number;
  readonly disturbance: Disturbance | undefined;
}

/**
 * A server that has just been started and warmed up, so that no row profits from another one.
 *
 * @throws when an answer is not what, or not from where, the row says
 */
export async function measureRow(
  bench: Bench,
  row: ServedWorkload,
  connections?: number,
): Promise<Measurement> {
  const { program, settings } = row.server;
  await bench.redis.clear();
  return bench.withServer(program, settings, (server) =>
    measureServers(bench, row, [server], connections),
  );
}

/**
 * Servers that share the connections.
 *
 * @throws when an answer is not what, or not from where, the workload says
 */
export async function measureServers(
  bench: Bench,
  workload: Workload,
  servers: readonly ServerProcess[],
  connections = CONNECTIONS,
): Promise<Measurement> {
  const { seconds, warmUpSeconds } = bench.pace;
  for (const { url } of servers) await checkAnswer(url, workload);
  const load = (duration: number): Promise<LoadResult> =>
    underLoad(bench, workload, servers, connections / servers.length, duration);
  if (warmUpSeconds > 0) await load(warmUpSeconds);
  const before = await usageOf(servers);
  const coreBefore = await processorTime();
  const result = await load(seconds);
  const coreAfter = await processorTime();
  const after = await usageOf(servers);
  if (result.failures > 0) {
    throw new Error(`${result.failures} of ${result.requests} requests had no good answer.`);
  }
  if (result.requests === 0) throw new Error('No request was answered.');
  checkUsage(workload, result, before, after);
  const cpuUs = after.cpuUs - before.cpuUs;
  return {
    requestsPerSecond: result.requests / result.seconds,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    cpuUs: cpuUs / result.requests,
    disturbance: disturbance(coreBefore, coreAfter, cpuUs / (result.seconds * 1e6)),
  };
}

/** Of several servers: all requests, and the longest of their times. */
async function underLoad(
  { generator, stopped }: Bench,
  { request }: Workload,
  servers: readonly ServerProcess[],
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const results = await Promise.all(
    servers.map(({ url }) => generator.run({ url, request, connections, seconds }, stopped)),
  );
  const longest = (of: (result: LoadResult) => number): number => Math.max(...results.map(of));
  return {
    requests: sum(results.map(({ requests }) => requests)),
    failures: sum(results.map(({ failures }) => failures)),
    seconds: longest((result) => result.seconds),
    p50Us: longest(({ p50Us }) => p50Us),
    p99Us: longest(({ p99Us }) => p99Us),
  };
}

async function usageOf(servers: readonly ServerProcess[]): Promise<Usage> {
  const usages = await Promise.all(servers.map((server) => server.ask('usage')));
  return {
    cpuUs: sum(usages.map(({ cpuUs }) => cpuUs)),
    calls: sum(usages.map(({ calls }) => calls)),
    rotations: sum(usages.map(({ rotations }) => rotations)),
    memoryBytes: sum(usages.map(({ memoryBytes }) => memoryBytes)),
  };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
