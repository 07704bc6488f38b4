import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Fleet } from '../../../lib/llm-cache/fleet/fleet.js';
import { LeaderLostError, type Follower } from '../../../lib/llm-cache/fleet/follower.js';
import type { Leader } from '../../../lib/llm-cache/fleet/leader.js';
import { SharedChunks } from '../../../lib/llm-cache/flight/shared-chunks.js';
import { PushedChunks } from '../../../lib/llm-cache/recording/pushed-chunks.js';
import type { OriginatedHead } from '../../../lib/llm-cache/recording/answer.js';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { RedisNotices } from '../../../lib/store/redis-notices.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { open } from '../../fixtures/connection.js';
import { plainSealer } from '../../fixtures/plain-sealer.js';

const LEASE_MS = 600;
const WITHIN_MS = 5_000;
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
  return { client, fleet: new Fleet(store, notices, LEASE_MS) };
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
function startAnswer(leader: Leader) {
  const source: PushedChunks = new PushedChunks(() => undefined);
  const chunks = new SharedChunks(source, 1e6, () => undefined);
  void chunks.drain();
  leader.begin(HEAD, chunks);
  return source;
}

interface Followed {
  readonly head: OriginatedHead;
  readonly pieces: readonly unknown[];
  readonly error: unknown;
}

async function followedBy(follower: Follower): Promise<Followed> {
  const answer = await follower.answer(WITHIN_MS);
  if (typeof answer === 'string') throw new Error(`Expected an answer, got ${answer}.`);
  const pieces: unknown[] = [];
  try {
    for (;;) {
      const { done, value } = await answer.chunks.next();
      if (done === true) return { head: answer.head, pieces, error: undefined };
      pieces.push(value);
    }
  } catch (error) {
    return { head: answer.head, pieces, error };
  }
}

describe.each(['standalone', 'cluster'] as const)('on a %s', (topology) => {
  let azure: LocalAzure;
  let one: Process;
  let other: Process;
  let third: Process;
  let name: string;

  beforeAll(async () => {
    azure = await startLocalAzure({ topology });
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

  it('of all that join one leads, and others lead when it has left', async () => {
    const parties = await Promise.all(
      [one, other, third].map(({ fleet }) => fleet.join(name, plainSealer)),
    );
    const leaders = parties.filter((party) => party?.role === 'leader');
    expect(leaders).toHaveLength(1);
    for (const party of parties) if (party?.role === 'follower') party.leave();
    await sleep(50);
    await leaders[0]?.leave();
    await (await lead(other, name)).leave();
  });

  it('followers get head and pieces, early or late, in every form, and the end', async () => {
    const leader = await lead(one, name);
    const early = followedBy(await follow(other, name));
    const source = startAnswer(leader);
    const pieces = ['data: 1\n\n', Buffer.from([0xff, 0, 0xc3]), { data: ['ü'] }, 5, null];
    for (const piece of pieces.slice(0, 3)) source.push(piece);
    await sleep(100);
    const late = followedBy(await follow(third, name));
    for (const piece of pieces.slice(3)) source.push(piece);
    source.end();
    const expected = { head: HEAD, pieces, error: undefined };
    expect(await Promise.all([early, late])).toEqual([expected, expected]);
    await leader.leave();
    await (await lead(third, name)).leave();
  });

  it('a leader that has said nothing to anybody leaves nothing behind', async () => {
    const leader = await lead(one, name);
    const source = startAnswer(leader);
    source.push('data: 1\n\n');
    source.end();
    await leader.leave();
    expect(await one.client.exists(`cache:llm:lease:{${name}}`)).toBe(0);
    expect(await other.fleet.join(name, plainSealer)).toMatchObject({ role: 'leader' });
  });

  it.each(['failed', 'unshareable'] as const)('followers hear that the call is %s', async (why) => {
    const leader = await lead(one, name);
    const follower = await follow(other, name);
    const answer = follower.answer(WITHIN_MS);
    await leader.fail(why);
    expect(await answer).toBe(why);
    await (await lead(other, name)).leave();
  });

  it('an answer that fails behind its beginning is cut for all', async () => {
    const leader = await lead(one, name);
    const followed = followedBy(await follow(other, name));
    const source = startAnswer(leader);
    source.push('data: 1\n\n');
    await sleep(50);
    source.fail(new Error('reset'));
    const { pieces, error } = await followed;
    expect(pieces).toEqual(['data: 1\n\n']);
    expect(String(error)).toContain('The answer was cut.');
    expect(error).not.toBeInstanceOf(LeaderLostError);
    await leader.leave();
  });

  it('a leader that is not heard of for its lease is lost, and another one leads', async () => {
    const leader = await lead(one, name);
    const follower = await follow(other, name);
    const source = startAnswer(leader);
    source.push('data: 1\n\n');
    const answer = await follower.answer(WITHIN_MS);
    if (typeof answer === 'string') throw new Error(`Expected an answer, got ${answer}.`);
    expect(await answer.chunks.next()).toEqual({ done: false, value: 'data: 1\n\n' });
    // As if its process had been killed: nothing renews the lease.
    one.client.disconnect();
    const startedAt = performance.now();
    await expect(answer.chunks.next()).rejects.toBeInstanceOf(LeaderLostError);
    expect(performance.now() - startedAt).toBeLessThan(LEASE_MS + 2_000);
    await (await lead(other, name)).leave();
  });

  it('a leader that is slow but alive keeps its lease', async () => {
    const leader = await lead(one, name);
    const followed = followedBy(await follow(other, name));
    const source = startAnswer(leader);
    source.push('data: 1\n\n');
    await sleep(LEASE_MS * 3);
    expect(await third.fleet.join(name, plainSealer)).toMatchObject({ role: 'follower' });
    source.push('data: 2\n\n');
    source.end();
    expect((await followed).pieces).toEqual(['data: 1\n\n', 'data: 2\n\n']);
    await leader.leave();
  });

  it('a follower that does not get an answer in time is told so', async () => {
    const leader = await lead(one, name);
    const follower = await follow(other, name);
    expect(await follower.answer(100)).toBe('late');
    await leader.leave();
  });
});
