import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { continuedAnswer } from '../../../lib/llm-cache/fleet/continued-answer.js';
import { Fleet } from '../../../lib/llm-cache/fleet/fleet.js';
import { LeaderLostError, type Follower } from '../../../lib/llm-cache/fleet/follower.js';
import type { Leader } from '../../../lib/llm-cache/fleet/leader.js';
import { Flight } from '../../../lib/llm-cache/flight/flight.js';
import { SharedChunks } from '../../../lib/llm-cache/flight/shared-chunks.js';
import type { LiveAnswer, OriginatedHead } from '../../../lib/llm-cache/recording/answer.js';
import { PushedChunks } from '../../../lib/llm-cache/recording/pushed-chunks.js';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { RedisNotices } from '../../../lib/store/redis-notices.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { open } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';
import { plainSealer } from '../../fixtures/plain-sealer.js';

const LEASE_MS = 600;
const HEAD: OriginatedHead = {
  kind: 'response',
  status: 200,
  headers: { 'content-type': 'text/event-stream' },
  origin: { id: 'answer', epoch: '1' },
};

/** A process of a fleet, with a connection of its own. */
async function startProcess(azure: LocalAzure) {
  const { connection, client, logger } = open(azure);
  await connection.whenReady(10_000);
  const guard = new StoreGuard({
    deadlineMs: 5_000,
    isConnected: () => client.status === 'ready',
    availability: connection.availability,
    logger,
    explain: (error) => connection.explain(error).message,
  });
  const store = new AzureRedisStore(client, guard, 'cache');
  const notices = new RedisNotices(client, 'cache');
  onTestFinished(() => notices.close());
  return { client, fleet: new Fleet(store, notices, LEASE_MS), notices };
}

type Process = Awaited<ReturnType<typeof startProcess>>;

let flights = 0;

async function lead({ fleet }: Process, name: string): Promise<Leader> {
  const party = await fleet.join(name, plainSealer);
  if (party?.role !== 'leader') throw new Error('Expected to lead.');
  return party;
}

async function follow({ fleet }: Process, name: string): Promise<Follower> {
  const party = await fleet.join(name, plainSealer);
  if (party?.role !== 'follower') throw new Error('Expected to follow.');
  return party;
}

/** An answer whose pieces the test gives one by one. */
function startAnswer(leader: Leader, maxBytes = 1e6) {
  const source: PushedChunks = new PushedChunks(() => undefined);
  const chunks = new SharedChunks(source, maxBytes, () => undefined);
  // The caller of the leader, who reads on.
  const reader = chunks.read(true);
  const read = async (): Promise<void> => {
    while ((await reader.next()).done !== true);
  };
  read().catch(() => undefined);
  leader.begin(HEAD, chunks);
  return source;
}

async function answerOf(follower: Follower): Promise<LiveAnswer<OriginatedHead>> {
  const answer = await follower.answer(5_000);
  if (typeof answer === 'string') throw new Error(`Expected an answer, got ${answer}.`);
  return answer;
}

/** What comes within the time, or what the trouble is. */
const within = async (ms: number, promise: Promise<unknown>): Promise<unknown> =>
  Promise.race([
    promise.catch((error: unknown) => String(error)),
    sleep(ms).then(() => `nothing within ${ms} ms`),
  ]);

describe('a fleet', () => {
  let azure: LocalAzure;
  let one: Process;
  let other: Process;
  let third: Process;
  let name: string;

  beforeAll(async () => {
    azure = await startLocalAzure();
  });
  afterAll(() => azure.stop());
  beforeEach(async () => {
    [one, other, third] = await Promise.all([
      startProcess(azure),
      startProcess(azure),
      startProcess(azure),
    ]);
    name = `flight-${(flights += 1)}`;
  });

  it('one follower of a process leaves, another one of the same process goes on', async () => {
    const leader = await lead(one, name);
    const source = startAnswer(leader);
    const first = await answerOf(
      await (async () => {
        const follower = await follow(other, name);
        source.push('data: 1\n\n');
        return follower;
      })(),
    );
    const second = await answerOf(await follow(other, name));
    expect(await second.chunks.next()).toEqual({ done: false, value: 'data: 1\n\n' });
    await first.chunks.return?.();
    await sleep(LEASE_MS); // two renewals of the leader
    source.push('data: 2\n\n');
    const next = await within(3_000, second.chunks.next());
    source.end();
    await leader.leave();
    expect(next).toEqual({ done: false, value: 'data: 2\n\n' });
  });

  it('one follower of a process leaves: the call is not given up while another one is there', async () => {
    const leader = await lead(one, name);
    let isAbandoned = false;
    const flight = new Flight(() => (isAbandoned = true));
    leader.attend(flight);
    const first = await follow(other, name);
    const second = await follow(other, name);
    const answer = second.answer(5_000);
    await eventually('followed', () => flight.followers > 0);
    first.leave();
    // The leader's own caller.
    flight.leave();
    await sleep(LEASE_MS);
    const state = isAbandoned;
    second.leave();
    await answer;
    expect(state).toBe(false);
  });

  it('a follower whose stop is aborted already does not wait', async () => {
    const leader = await lead(one, name);
    const follower = await follow(other, name);
    const answer = await within(1_500, follower.answer(3_000, AbortSignal.abort()));
    await leader.leave();
    expect(answer).toBe('lost');
  });

  it('a process that was killed does not keep a call alive', async () => {
    const leader = await lead(one, name);
    let isAbandoned = false;
    const flight = new Flight(() => (isAbandoned = true));
    leader.attend(flight);
    const follower = await follow(other, name);
    void follower.answer(60_000);
    await eventually('followed', () => flight.followers > 0);
    other.client.disconnect();
    flight.leave();
    await sleep(LEASE_MS * 6);
    const exists = await one.client.exists(`cache:llm:lease:{${name}}`);
    expect([isAbandoned, exists]).toEqual([true, 0]);
  });

  it('who joins when the answer is too large is told so, also after another one', async () => {
    const leader = await lead(one, name);
    const source = startAnswer(leader, 100);
    const early = await follow(other, name);
    source.push('data: 1\n\n');
    const answer = await answerOf(early);
    await answer.chunks.next();
    await answer.chunks.return?.();
    await sleep(LEASE_MS);
    for (let index = 0; index < 20; index += 1) source.push(`data: ${'x'.repeat(20)}\n\n`);
    await sleep(50);
    const late = await follow(third, name);
    const told = await late.answer(5_000);
    late.leave();
    expect(typeof told === 'string' ? told : 'an answer that has a part only').toBe('unshareable');
  });

  it('listens no more after close', async () => {
    const { client, notices } = one;
    const before = Number(/connected_clients:(\d+)/.exec(await client.info('clients'))?.[1]);
    notices.close();
    await notices.listen('x', () => undefined).catch(() => undefined);
    const after = Number(/connected_clients:(\d+)/.exec(await client.info('clients'))?.[1]);
    expect(after).toBe(before);
  });
});

describe('a continued answer', () => {
  function hanging(pieces: readonly string[]) {
    const state = { isReturned: false };
    const left = [...pieces];
    const answer: LiveAnswer = {
      head: HEAD,
      chunks: {
        next: async () => {
          const value = left.shift();
          return value === undefined ? new Promise(() => undefined) : { done: false, value };
        },
        return: async () => {
          state.isReturned = true;
          return { done: true, value: undefined };
        },
      },
    };
    return { answer, state };
  }

  it('is left at once, also while a piece is awaited', async () => {
    const { answer, state } = hanging(['data: 1\n\n']);
    const continued = continuedAnswer(answer, {
      isEventStream: true,
      personalFields: [],
      askAgain: () => Promise.reject(new Error('not asked')),
    });
    const chunks = new SharedChunks(continued.chunks, 1e6, () => chunks.stop());
    const reader = chunks.read(true);
    await reader.next();
    const next = reader.next().catch(() => undefined);
    await sleep(20);
    await reader.return?.();
    await next;
    await sleep(100);
    expect(state.isReturned).toBe(true);
  });

  it('leaves a leader that is lost', async () => {
    let isReturned = false;
    const answer: LiveAnswer = {
      head: HEAD,
      chunks: {
        next: () => Promise.reject(new LeaderLostError('gone')),
        return: async () => {
          isReturned = true;
          return { done: true, value: undefined };
        },
      },
    };
    const other = hanging(['data: 1\n\n']);
    const continued = continuedAnswer(answer, {
      isEventStream: true,
      personalFields: [],
      askAgain: async () => other.answer,
    });
    expect((await continued.chunks.next()).done).toBe(false);
    expect(isReturned).toBe(true);
  });

  it('is left while another call is asked for that hangs', async () => {
    const answer: LiveAnswer = {
      head: HEAD,
      chunks: { next: () => Promise.reject(new LeaderLostError('gone')) },
    };
    const again = hanging([]);
    const continued = continuedAnswer(answer, {
      isEventStream: true,
      personalFields: [],
      askAgain: async () => again.answer,
    });
    const chunks = new SharedChunks(continued.chunks, 1e6, () => chunks.stop());
    const reader = chunks.read(true);
    const next = reader.next().catch(() => undefined);
    await sleep(20);
    await reader.return?.();
    await next;
    await sleep(100);
    expect(again.state.isReturned).toBe(true);
  });
});
