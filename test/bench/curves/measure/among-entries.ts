import type { Bench } from '../../run/bench.js';
import { measureServers } from '../../run/measure-row.js';
import type { NestSettings } from '../../servers/settings.js';
import type { Reading } from '../plan/curve.interface.js';
import { readingOf } from '../plan/quantities.js';
import { copyEntries } from './copy-entries.js';
import { storeAll, variedHits } from './variants.js';

const ASKED_FOR = 200;
const ANSWER_BYTES = 2_048;

/** Hits in a Redis that has so many entries, most of them copies of one that was stored. */
export async function measureAmongEntries(bench: Bench, count: number): Promise<Reading> {
  await bench.redis.clear();
  const settings: NestSettings = {
    platform: 'fastify',
    route: 'cached',
    answerBytes: ANSWER_BYTES,
  };
  const workload = variedHits(Math.min(ASKED_FOR, count), ANSWER_BYTES);
  return bench.withServer('nest', settings, async (server) => {
    const empty = await bench.redis.usedMemory();
    await storeAll(server.url, workload);
    await copyEntries(bench.redis.client, count);
    const full = await bench.redis.usedMemory();
    const { values, disturbance } = readingOf(await measureServers(bench, workload, [server]));
    return { values: { ...values, bytesPerEntry: (full - empty) / count }, disturbance };
  });
}
