import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { followTo } from '../../fixtures/fleet/callers.js';
import { useFleet, type Fleet } from '../../fixtures/fleet/fleet.js';
import type { GatewayProcess } from '../../fixtures/fleet/gateway-process.js';
import { useGatewayScript } from '../../fixtures/fleet/gateway-script.js';
import { FRAMES } from '../../fixtures/fleet/model-call.js';
import { newQuestion, type Question } from '../../fixtures/fleet/question.js';
import {
  contentOf,
  expectWhole,
  receive,
  type ReceivedAnswer,
} from '../../fixtures/fleet/received-answer.js';
import { seededRandom } from '../../unit/testing/seeded-random.js';

const LEASE_MS = 1_000;
const DEADLINE_MS = 250;
const OUTAGE_MS = 2_000;
/** What a fault may add to an answer, besides the lease and the deadline. */
const GRACE_MS = 2_000;
const CACHE = { deadlineMs: DEADLINE_MS, llm: { fleet: { leaseMs: LEASE_MS } } };
const CALLERS = 12;
const SEEDS = Array.from({ length: process.env['CHAOS_LONG'] === '1' ? 50 : 4 }, (_, i) => i + 1);

const TOPOLOGIES = [
  { topology: 'standalone' as const, replicas: 0 },
  { topology: 'cluster' as const, replicas: 1 },
];

const script = useGatewayScript();

/** Callers of all processes; the one that leads is killed before it has this frame. */
async function killLeader(
  fleet: Fleet,
  question: Question,
  frame: number,
  random: ReturnType<typeof seededRandom>,
): Promise<ReceivedAnswer[]> {
  const first = random.below(3);
  fleet.model.open = frame;
  const asked: { process: GatewayProcess; answer: Promise<ReceivedAnswer> }[] = [];
  const ask = (process: GatewayProcess): void => {
    const answer = receive(process.ask(question));
    // Those of the process that is killed get nothing.
    answer.catch(() => undefined);
    asked.push({ process, answer });
  };
  for (let index = 0; index < CALLERS; index += 1) ask(fleet.process(first + index));
  await eventually('the leader is held', () => fleet.model.isHeld);
  // Some may still be on their way.
  await sleep(random.below(150));
  const leader = fleet.named(fleet.model.calls[0]?.process);
  await fleet.kill(leader);
  fleet.model.open = Infinity;
  await sleep(random.below(2 * LEASE_MS));
  for (const process of fleet.processes) ask(process);
  return Promise.all(asked.filter(({ process }) => process !== leader).map(({ answer }) => answer));
}

describe.each(TOPOLOGIES)('a leader that is killed ($topology)', { timeout: 40_000 }, (options) => {
  const current = useFleet(script, { ...options, cache: CACHE });

  it.each(SEEDS)('costs one more call, and no caller of others a frame: seed %i', async (seed) => {
    const fleet = current();
    await fleet.restart();
    const random = seededRandom(seed);
    const question = newQuestion(true);
    const answers = await killLeader(fleet, question, random.below(FRAMES), random);
    for (const answer of answers) expectWhole(answer, question);
    expect(fleet.model.calls.length).toBeLessThanOrEqual(2);
    // Whatever is stored by now.
    for (const process of fleet.processes) {
      expectWhole(await receive(process.ask(question)), question);
    }
  });

  it('never mixes the answers of two calls that differ', async () => {
    const fleet = current();
    await fleet.restart();
    fleet.model.style = { ...fleet.model.style, isVaried: true };
    const question = newQuestion(true);
    const answers = await killLeader(fleet, question, 20, seededRandom(0));
    const told = fleet.model.calls.map(({ pieces }) => pieces);
    for (const answer of answers) {
      const { pieces, ends } = contentOf(answer);
      expect(told.map((all) => all.slice(0, pieces.length))).toContainEqual(pieces);
      expect(ends).toBe(pieces.length === told[0]?.length ? 1 : 0);
    }
    expect(answers.length).toBeGreaterThan(0);
  });
});

type Fault = (redis: LocalAzure['redis']) => Promise<void>;

const OUTAGES: [string, Fault][] = [
  [
    'cut off',
    async (redis) => {
      redis.refuse();
      await sleep(OUTAGE_MS);
      redis.recover();
    },
  ],
  [
    'frozen',
    async (redis) => {
      redis.freeze();
      await sleep(OUTAGE_MS);
      redis.thaw();
    },
  ],
];

/** Nobody knows which shard has the flight. */
const failover: [string, Fault] = [
  'failing over',
  async (redis) => {
    for (const shard of [0, 1, 2]) await redis.failover(shard);
  },
];

/** Milliseconds until all have the rest of a stream, in whose middle the fault begins. */
async function timeOfFlight(fleet: Fleet, fault: Fault): Promise<number> {
  const question = newQuestion(true);
  fleet.model.frameMs = 20;
  const responses = await followTo(15, fleet, question);
  const startedAt = performance.now();
  const disturbance = fault(fleet.azure.redis);
  const answers = responses.map((response) => receive(response));
  await sleep(50);
  fleet.model.open = Infinity;
  // They come while it lasts.
  answers.push(...fleet.processes.map((process) => receive(process.ask(question))));
  for (const answer of await Promise.all(answers)) expectWhole(answer, question);
  const tookMs = performance.now() - startedAt;
  expect(fleet.model.callsFor(question).length).toBeLessThanOrEqual(fleet.processes.length);
  await disturbance;
  return tookMs;
}

const isOneCallForAll = async (fleet: Fleet): Promise<boolean> => {
  const question = newQuestion(true);
  fleet.model.frameMs = 2;
  await Promise.all(fleet.processes.map((process) => receive(process.ask(question))));
  return fleet.model.callsFor(question).length === 1;
};

describe.each(TOPOLOGIES)('a Redis in trouble ($topology)', { timeout: 40_000 }, (options) => {
  const current = useFleet(script, { ...options, cache: CACHE });
  const faults = options.replicas === 0 ? OUTAGES : [...OUTAGES, failover];

  it.each(faults)('%s: all answers are whole, and in time', async (name, fault) => {
    const fleet = current();
    const usualMs = await timeOfFlight(fleet, () => Promise.resolve());
    const addedMs = (await timeOfFlight(fleet, fault)) - usualMs;
    process.stdout.write(`${options.topology}, ${name}: ${Math.round(addedMs)} ms more\n`);
    expect(addedMs).toBeLessThan(LEASE_MS + DEADLINE_MS + GRACE_MS);
    await eventually('one call for all again', () => isOneCallForAll(fleet), 20_000);
  });
});
