import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { POST_UNIQUE_STREAM, UNIQUE } from '../../plan/requests.js';
import type { Bench } from '../../run/bench.js';
import { median } from '../../run/medians.js';
import type { ServerProcess } from '../../run/server-process.js';
import type { NestSettings } from '../../servers/settings.js';
import type { Reading } from '../plan/curve.interface.js';
import { readHeldStream } from './held-stream.js';

const SERVER: NestSettings = { platform: 'fastify', route: 'cached-stream' };
const WARM_UP_FLIGHTS = 4;
const WARM_UP_FOLLOWERS = 100;
/** The fewer followers, the more flights for each second that a point may take. */
const FOLLOWERS_PER_SECOND = 500;
const MOST_PER_SECOND = 6;
const LEAST = 2;

/** One streamed call, and what its followers have added to it. */
interface Flight {
  readonly cpuUs: number;
  readonly calls: number;
  /** Of each follower, or of the one who asked if there is none: from the release to the end. */
  readonly tookMs: readonly number[];
}

/** Flights with followers and flights without in turn, on one server. */
export async function measureFanOut(bench: Bench, followers: number): Promise<Reading> {
  await bench.redis.clear();
  const { seconds, warmUpSeconds } = bench.pace;
  const flights = Math.max(
    LEAST,
    Math.round(seconds * Math.min(MOST_PER_SECOND, FOLLOWERS_PER_SECOND / followers)),
  );
  const warmUpFlights = warmUpSeconds > 0 ? WARM_UP_FLIGHTS : 0;
  // Connections are made once.
  const agent = new Agent({ keepAlive: true, maxFreeSockets: Infinity });
  try {
    return await bench.withServer('nest', SERVER, async (server) => {
      for (let flight = 0; flight < warmUpFlights; flight += 1) {
        await fly(server, agent, WARM_UP_FOLLOWERS);
      }
      await fly(server, agent, followers);
      const alone: Flight[] = [];
      const followed: Flight[] = [];
      while (followed.length < flights) {
        alone.push(await fly(server, agent, 0));
        followed.push(await fly(server, agent, followers));
      }
      return { values: compare(alone, followed, followers), disturbance: undefined };
    });
  } finally {
    agent.destroy();
  }
}

async function fly(server: ServerProcess, agent: Agent, followers: number): Promise<Flight> {
  const body = POST_UNIQUE_STREAM.body?.replace(UNIQUE, randomUUID()) ?? '';
  const read = () => readHeldStream(server.url, agent, body);
  const { calls } = await server.ask('hold');
  const first = read();
  await first.halfCame;
  const before = await server.ask('usage');
  const others = Array.from({ length: followers }, read);
  await Promise.all(others.map(({ halfCame }) => halfCame));
  const releasedAt = performance.now();
  const after = await server.ask('release');
  const firstEndedAt = await first.ended;
  const endedAt = await Promise.all(others.map(({ ended }) => ended));
  return {
    cpuUs: after.cpuUs - before.cpuUs,
    calls: after.calls - calls,
    tookMs: (followers === 0 ? [firstEndedAt] : endedAt).map((at) => at - releasedAt),
  };
}

function compare(
  alone: readonly Flight[],
  followed: readonly Flight[],
  followers: number,
): Readonly<Record<string, number>> {
  const calls = Math.max(...followed.map((flight) => flight.calls));
  if (calls !== 1) throw new Error(`Expected one call for all who follow it, got ${calls}.`);
  const cpuUs = (flights: readonly Flight[]): number =>
    median(flights.map((flight) => flight.cpuUs)) ?? 0;
  const times = (flights: readonly Flight[]): number[] => flights.flatMap(({ tookMs }) => tookMs);
  const aloneMs = median(times(alone)) ?? 0;
  return {
    cpuUs: (cpuUs(followed) - cpuUs(alone)) / followers,
    p50Ms: (median(times(followed)) ?? 0) - aloneMs,
    p99Ms: percentile(times(followed), 0.99) - aloneMs,
    calls,
  };
}

/** The least value that so many are not above. */
function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
}
