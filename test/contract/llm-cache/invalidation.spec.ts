import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Epochs, type EpochsOptions } from '../../../lib/llm-cache/invalidation/epochs.js';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { open } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';

const DEADLINE_MS = 250;
/** Room for a machine that is busy with other things. */
const SLACK_MS = 750;

/** A process with a connection of its own; the epochs of one test have one prefix. */
async function join(
  azure: LocalAzure,
  { prefix = `epochs-${randomUUID()}`, deadlineMs = 5_000 } = {},
) {
  const { connection, client, logger } = open(azure, { deadlines: { silenceMs: 1_000 } });
  await connection.whenReady(10_000);
  const guard = new StoreGuard({
    deadlineMs,
    isConnected: () => client.status === 'ready',
    availability: connection.availability,
    logger,
    explain: (error) => connection.explain(error).message,
    settleMs: 0,
  });
  const store = new AzureRedisStore(client, guard, prefix);
  const epochs = (options: Partial<EpochsOptions> = {}): Epochs => {
    const made = new Epochs(store, { namespace: 'cache', ...options });
    onTestFinished(() => made.close());
    return made;
  };
  return { client, store, prefix, epochs, key: `${prefix}:llm:epochs` };
}

const timed = async <T>(operation: Promise<T>): Promise<{ result: T; tookMs: number }> => {
  const startedAt = performance.now();
  const result = await operation;
  return { result, tookMs: performance.now() - startedAt };
};

describe.each(['standalone', 'cluster'] as const)('epochs on a %s', (topology) => {
  let azure: LocalAzure;

  beforeAll(async () => {
    azure = await startLocalAzure({ topology });
  });
  afterAll(() => azure.stop());

  it('names concern the requests that have them, and no others', async () => {
    const epochs = (await join(azure)).epochs();
    const [mine, yours] = [
      ['key:1', 'tag:a', 'model:m', 'principal:scope:me'],
      ['key:2', 'tag:b', 'model:m', 'principal:scope:you'],
    ];
    for (const name of mine) {
      const [before, untouched] = [await epochs.epochOf(mine), await epochs.epochOf(yours)];
      expect(before.isFresh && epochs.isCurrent(before.text, mine)).toBe(true);
      await epochs.invalidate([name]);
      expect(epochs.isCurrent(before.text, mine)).toBe(false);
      expect(epochs.isCurrent(untouched.text, yours)).toBe(name !== 'model:m');
      const after = await epochs.epochOf(mine);
      expect(after.version).toBeGreaterThan(before.version);
      expect(epochs.isCurrent(after.text, mine)).toBe(true);
    }
    const { text } = await epochs.epochOf(['key:3']);
    await epochs.invalidate(['all']);
    expect(epochs.isCurrent(text, ['key:3'])).toBe(false);
  });

  it('are honoured at once where they were invalidated, and by everybody within 1 s', async () => {
    const [one, { epochs: epochsOfOther }] = await Promise.all([
      join(azure, { prefix: 'epochs-shared' }),
      join(azure, { prefix: 'epochs-shared' }),
    ]);
    const [here, there] = [one.epochs(), epochsOfOther()];
    for (const name of ['tag:a', 'tag:b', 'tag:a']) {
      const [{ text }, same] = await Promise.all([here.epochOf([name]), there.epochOf([name])]);
      expect(same.text).toBe(text);
      await here.invalidate([name]);
      expect(here.isCurrent(text, [name])).toBe(false);
      expect(here.current([name])?.text).not.toBe(text);
      await sleep(1_000);
      const epoch = there.current([name]);
      expect(epoch?.isFresh && epoch.text).toBe(here.current([name])?.text);
      expect(there.isCurrent(text, [name])).toBe(false);
    }
  });

  it('are honoured by a process that comes later, page by page', async () => {
    const { epochs } = await join(azure);
    const writer = epochs();
    const names = Array.from({ length: 25 }, (_, index) => `tag:${index}`);
    const { text } = await writer.epochOf(['tag:0']);
    await writer.invalidate(names);
    const reader = epochs({ pageSize: 10 });
    const found = await Promise.all(names.map((name) => reader.epochOf([name])));
    expect(found.map(({ version }) => version)).toEqual(names.map((_, index) => index + 1));
    expect(names.some((name) => reader.isCurrent(text, [name]))).toBe(false);
  });

  it('that are lost make everything unreachable, and never come back', async () => {
    const { client, key, epochs } = await join(azure);
    const [here, there] = [epochs(), epochs()];
    const texts = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      const { text } = await here.epochOf(['tag:a']);
      expect(texts.has(text)).toBe(false);
      texts.add(text);
      await here.invalidate(['tag:a']);
      const { text: later } = await here.epochOf(['tag:a']);
      texts.add(later);
      await there.epochOf(['tag:a']);
      await client.unlink(key);
      await sleep(1_000);
      for (const each of [here, there]) {
        const epoch = await each.epochOf(['tag:a']);
        expect(epoch).toMatchObject({ isFresh: true, version: 0 });
        expect([...texts].some((old) => each.isCurrent(old, ['tag:a']))).toBe(false);
        expect(texts.has(epoch.text)).toBe(false);
      }
    }
  });

  it('that are lost in part, as by a failover, make everything unreachable', async () => {
    const { client, key, epochs } = await join(azure);
    const [here, there] = [epochs(), epochs()];
    await here.invalidate(['tag:a']);
    const backup = await client.dumpBuffer(key);
    const { text } = await here.epochOf(['tag:b']);
    await here.invalidate(['tag:b']);
    await client.restore(key, '0', backup, 'REPLACE');
    // Another one, which gets the number of the one that was lost.
    await there.invalidate(['tag:c']);
    expect(there.isCurrent(text, ['tag:b'])).toBe(true);
    await sleep(1_000);
    expect(here.isCurrent(text, ['tag:b'])).toBe(false);
    expect(there.isCurrent(text, ['tag:b'])).toBe(false);
    expect(here.current(['tag:b'])).toEqual(there.current(['tag:b']));
  });

  it('take up a bounded amount of memory: more names invalidate everything', async () => {
    const { client, key, epochs } = await join(azure);
    const bounded = epochs({ maxNames: 10 });
    const { text } = await bounded.epochOf(['tag:other']);
    for (let index = 0; index < 10; index += 1) await bounded.invalidate([`tag:${index}`]);
    await bounded.invalidate(['tag:3']);
    expect(await client.zcard(key)).toBe(11);
    expect(bounded.isCurrent(text, ['tag:other'])).toBe(true);
    await bounded.invalidate(['tag:10']);
    expect(await client.zcard(key)).toBe(1);
    expect(bounded.isCurrent(text, ['tag:other'])).toBe(false);
    expect(await bounded.epochOf(['tag:10'])).toMatchObject({ version: 0, isFresh: true });
    await bounded.invalidate(Array.from({ length: 11 }, (_, index) => `tag:${index}`));
    expect(await client.zcard(key)).toBe(1);
  });

  it('have one key without expiry, in which no name can be read', async () => {
    const { client, key, prefix, epochs } = await join(azure);
    await epochs().invalidate(['tag:prompts', 'principal:scope:contoso', 'model:gpt-5', 'all']);
    await epochs({ namespace: 'other' }).invalidate(['tag:prompts']);
    const members = await client.zrange(key, '0', '-1');
    expect(members).toHaveLength(6);
    const names = members.filter((member) => !member.startsWith('base:'));
    expect(names).toHaveLength(5);
    for (const name of names) expect(name).toMatch(/^[\w-]{22}$/);
    expect(members.join()).not.toMatch(/prompts|contoso|gpt|all|tag|principal/);
    expect(await client.pttl(key)).toBe(-1);
    expect(key).toBe(`${prefix}:llm:epochs`);
  });

  it('follow random invalidations and losses like a model of them', async () => {
    const { client, key, store } = await join(azure);
    const name = fc.constantFrom<string>('key:1', 'key:2', 'tag:a', 'tag:b', 'model:m', 'all');
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3 });
    const by = fc.nat(1);
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ does: fc.constant('invalidate'), names, by }) },
      { weight: 6, arbitrary: fc.record({ does: fc.constant('store'), names, by }) },
      { weight: 1, arbitrary: fc.record({ does: fc.constant('lose'), names, by }) },
    );
    const limits = { maxNames: 4, pageSize: 2 };
    const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const made: Epochs[] = [];
      const start = (): Epochs => {
        const started = new Epochs(store, { namespace: 'cache', ...limits });
        made.push(started);
        return started;
      };
      const [first, second] = [start(), start()];
      let entries: { text: string; names: readonly string[] }[] = [];
      let lost: typeof entries = [];
      const lose = (isLost: (entry: (typeof entries)[number]) => boolean): void => {
        lost = [...lost, ...entries.filter(isLost)];
        entries = entries.filter((entry) => !isLost(entry));
      };
      const known = new Set<string>();
      await client.unlink(key);

      for (const { does, names: named, by: which } of steps) {
        const writer = which === 0 ? first : second;
        if (does === 'invalidate') {
          await writer.invalidate(named);
          lose((entry) => named.includes('all') || entry.names.some((one) => named.includes(one)));
          for (const one of named) known.add(one);
        } else if (does === 'store') {
          // To invalidate nothing brings the writer up to date.
          await writer.invalidate([]);
          const { text } = await writer.epochOf(named);
          entries.push({ text, names: named });
        } else {
          await client.unlink(key);
        }
        if (does === 'lose' || known.size > limits.maxNames) {
          lose(() => true);
          known.clear();
        }
        const reader = start();
        await reader.epochOf([]);
        const isGood = ({ text, names: those }: (typeof entries)[number]): boolean =>
          reader.isCurrent(text, those);
        expect(entries.filter(isGood)).toEqual(entries);
        expect(lost.filter(isGood)).toEqual([]);
      }
      for (const each of made) each.close();
    });
    await fc.assert(property, { numRuns: 60 });
  });
});

describe('polls of Redis', () => {
  it('are shared by a thousand look-ups at the same time', async () => {
    const azure = await startLocalAzure();
    onTestFinished(() => azure.stop());
    const { client, epochs } = await join(azure);
    // The script is there already.
    await epochs().epochOf(['key:a']);
    const scripts = async (): Promise<number> => {
      const statistics = await client.info('commandstats');
      return Number(/cmdstat_evalsha:calls=(\d+)/.exec(statistics)?.[1] ?? 0);
    };
    const crowded = epochs();
    const before = await scripts();
    const lookups = Array.from({ length: 1_000 }, (_, index) => crowded.epochOf([`key:${index}`]));
    const found = await Promise.all(lookups);
    expect(found.every(({ isFresh }) => isFresh)).toBe(true);
    // The other one polls too, every 250 ms.
    expect((await scripts()) - before).toBeLessThanOrEqual(2);
    expect(await scripts()).toBeGreaterThan(before);
  });
});

describe('when Redis is in trouble', () => {
  const troubles: [string, (azure: LocalAzure) => void, (azure: LocalAzure) => void][] = [
    ['frozen', ({ redis }) => redis.freeze(), ({ redis }) => redis.thaw()],
    [
      'gone and refusing connections',
      ({ redis }) => {
        redis.refuse();
        redis.kill();
      },
      ({ redis }) => redis.recover(),
    ],
    [
      'refusing every command',
      ({ redis }) => redis.failCommands("READONLY You can't write against a read only replica."),
      ({ redis }) => redis.recover(),
    ],
  ];

  it.each(troubles)(
    '%s: epochs are not fresh, and quickly so, until it is over',
    async (_name, begin, end) => {
      const azure = await startLocalAzure();
      onTestFinished(() => azure.stop());
      const { epochs } = await join(azure, { deadlineMs: DEADLINE_MS });
      const mirror = epochs();
      await mirror.invalidate(['tag:a']);
      const { text } = await mirror.epochOf(['tag:a']);

      begin(azure);
      await eventually('it is noticed', async () => !(await mirror.epochOf(['tag:a'])).isFresh);
      const later = await timed(
        Promise.all(Array.from({ length: 100 }, () => mirror.epochOf(['tag:a']))),
      );
      expect(later.result.every((epoch) => epoch.text === text && !epoch.isFresh)).toBe(true);
      expect(later.tookMs).toBeLessThan(DEADLINE_MS);

      const newcomer = await timed(epochs().epochOf(['tag:a']));
      expect(newcomer.result).toEqual({ text: 'unknown:0', version: 0, isFresh: false });
      expect(newcomer.tookMs).toBeLessThan(DEADLINE_MS + SLACK_MS);

      const refused = await timed(mirror.invalidate(['tag:a']).catch((error: unknown) => error));
      expect(refused.result).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(refused.tookMs).toBeLessThan(2 * DEADLINE_MS + SLACK_MS);

      end(azure);
      await eventually('it is over', async () => (await mirror.epochOf(['tag:a'])).isFresh);
      await mirror.invalidate(['tag:a']);
      expect(mirror.isCurrent(text, ['tag:a'])).toBe(false);
    },
  );

  it('empty after a restart: everything is unreachable', async () => {
    const azure = await startLocalAzure();
    onTestFinished(() => azure.stop());
    const mirror = (await join(azure, { deadlineMs: DEADLINE_MS })).epochs();
    const { text } = await mirror.epochOf(['tag:a']);
    await azure.redis.shutdownServer();
    await azure.redis.restartServer();
    await eventually('it answers, under another base', async () => {
      const epoch = await mirror.epochOf(['tag:a']);
      return epoch.isFresh && epoch.text !== text;
    });
    expect(mirror.isCurrent(text, ['tag:a'])).toBe(false);
  });
});
