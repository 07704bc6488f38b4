import type { Row } from '../plan/row.interface.js';
import type { Bench } from './bench.js';
import { checkAnswer, checkUsage } from './check-answer.js';
import { disturbance, processorTime, type Disturbance } from './processor-time.js';

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
export async function measureRow(bench: Bench, row: Row): Promise<Measurement> {
  const { program, settings } = row.server;
  await bench.redis.clear();
  return bench.withServer(program, settings, async (server) => {
    const { seconds, warmUpSeconds } = bench.pace;
    const load = { url: server.url, request: row.request, connections: CONNECTIONS };
    await checkAnswer(server.url, row);
    if (warmUpSeconds > 0)
      await bench.generator.run({ ...load, seconds: warmUpSeconds }, bench.stopped);
    const before = await server.ask('usage');
    const coreBefore = await processorTime();
    const result = await bench.generator.run({ ...load, seconds }, bench.stopped);
    const coreAfter = await processorTime();
    const after = await server.ask('usage');
    if (result.failures > 0) {
      throw new Error(`${result.failures} of ${result.requests} requests had no good answer.`);
    }
    if (result.requests === 0) throw new Error('No request was answered.');
    checkUsage(row, result, before, after);
    const cpuUs = after.cpuUs - before.cpuUs;
    return {
      requestsPerSecond: result.requests / result.seconds,
      p50Us: result.p50Us,
      p99Us: result.p99Us,
      cpuUs: cpuUs / result.requests,
      disturbance: disturbance(coreBefore, coreAfter, cpuUs / (result.seconds * 1e6)),
    };
  });
}
