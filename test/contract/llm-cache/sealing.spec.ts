import * as fc from 'fast-check';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RENEWAL_MS } from '../../../lib/llm-cache/sealing/principal-keys.js';
import { SALT_LIFETIME_MS } from '../../../lib/llm-cache/sealing/salts.js';
import type { Sealer } from '../../../lib/llm-cache/sealing/sealer.interface.js';
import { Vault } from '../../../lib/llm-cache/sealing/vault.js';
import { AzureRedisStore } from '../../../lib/store/azure-redis.store.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { open } from '../../fixtures/connection.js';

const A = 'the older secret, 32 bytes at least';
const B = 'the newer secret, 32 bytes at least';
const CONTEXT = 'llm:v2:entry';
const TEXT = Buffer.from('a long answer '.repeat(50));

/** What a process has: a connection of its own, and vaults over it. */
async function startProcess(azure: LocalAzure, deadlineMs = 5_000) {
  const { connection, client, logger } = open(azure);
  await connection.whenReady(10_000);
  const guard = new StoreGuard({
    deadlineMs,
    isConnected: () => client.status === 'ready',
    availability: connection.availability,
    logger,
    explain: (error) => connection.explain(error).message,
  });
  const store = new AzureRedisStore(client, guard, 'cache');
  const vaultWith = (...secrets: string[]) =>
    new Vault(store, { secrets, compressAboveBytes: 100 });
  return { client, store, vaultWith };
}

type Process = Awaited<ReturnType<typeof startProcess>>;

async function seal(sealer: Sealer, bytes = TEXT): Promise<Buffer> {
  const sealed = await sealer.seal(CONTEXT, bytes);
  if (sealed === undefined) throw new Error('Expected Redis to have a salt.');
  return sealed;
}

async function namesIn({ client }: Process, pattern: string): Promise<string[]> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  const names = await Promise.all(nodes.map((node) => node.keys(pattern)));
  return names.flat();
}

const saltsIn = (process: Process) => namesIn(process, 'cache:llm:salt:*');

async function onlySaltIn(process: Process): Promise<string> {
  const [name, ...others] = await saltsIn(process);
  if (name === undefined || others.length > 0) throw new Error('Expected one salt.');
  return name;
}

async function timed<T>(operation: Promise<T>): Promise<{ result: T; tookMs: number }> {
  const startedAt = performance.now();
  const result = await operation;
  return { result, tookMs: performance.now() - startedAt };
}

describe.each(['standalone', 'cluster'] as const)('on a %s', (topology) => {
  let azure: LocalAzure;
  let one: Process;
  let other: Process;

  beforeAll(async () => {
    azure = await startLocalAzure({ topology });
  });
  afterAll(() => azure.stop());
  beforeEach(async () => {
    [one, other] = await Promise.all([startProcess(azure), startProcess(azure)]);
    await one.store.clear();
  });
  afterEach(() => vi.useRealTimers());

  it('what one process sealed, another one opens', async () => {
    const anyBytes = fc.uint8Array({ maxLength: 2_000, size: 'max' });
    const [writer, reader] = [one, other].map(({ vaultWith }) => vaultWith(A));
    await fc.assert(
      fc.asyncProperty(anyBytes, fc.string(), async (array, principal) => {
        const bytes = Buffer.from(array);
        const sealed = await writer?.sealerFor(principal, '1').seal(CONTEXT, bytes);
        const opened = await reader
          ?.sealerFor(principal, '1')
          .open(CONTEXT, sealed ?? Buffer.alloc(0));
        expect(opened?.equals(bytes)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('does not open for another principal or context, nor with any bit flipped or byte missing', async () => {
    const vault = one.vaultWith(A);
    const sealer = vault.sealerFor('tenant', '1');
    const sealed = await seal(sealer, Buffer.from('a short answer'));
    await seal(vault.sealerFor('other', '1'));
    expect(await vault.sealerFor('other', '1').open(CONTEXT, sealed)).toBeUndefined();
    expect(await sealer.open('llm:v2:other', sealed)).toBeUndefined();
    for (let index = 0; index < sealed.length; index++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(index) ^ (1 << (index % 8)), index);
      expect(await sealer.open(CONTEXT, flipped)).toBeUndefined();
      expect(await sealer.open(CONTEXT, sealed.subarray(0, index))).toBeUndefined();
    }
    expect(await sealer.open(CONTEXT, sealed)).toEqual(Buffer.from('a short answer'));
  });

  it('a new secret takes over, and what the older one sealed opens while that is known', async () => {
    const tenant = (...secrets: string[]) => one.vaultWith(...secrets).sealerFor('tenant', '1');
    const older = await seal(tenant(A));
    const newer = await seal(tenant(B, A));
    expect(await tenant(B, A).open(CONTEXT, older)).toEqual(TEXT);
    expect(await tenant(B, A).open(CONTEXT, newer)).toEqual(TEXT);
    expect(await tenant(A, B).open(CONTEXT, newer)).toEqual(TEXT);
    expect(await tenant(B).open(CONTEXT, newer)).toEqual(TEXT);
    expect(await tenant(B).open(CONTEXT, older)).toBeUndefined();
    expect(await tenant(A).open(CONTEXT, newer)).toBeUndefined();
    expect(await tenant().open(CONTEXT, newer)).toBeUndefined();
  });

  it('erasing shreds it for a fresh process, and for a living one from its next epoch on', async () => {
    const living = other.vaultWith(B, A);
    const older = await seal(one.vaultWith(A).sealerFor('tenant', '1'));
    const newer = await seal(living.sealerFor('tenant', '1'));
    const neighbour = await seal(living.sealerFor('neighbour', '1'));
    expect(await living.sealerFor('tenant', '1').open(CONTEXT, older)).toEqual(TEXT);

    const eraser = one.vaultWith(B, A);
    expect(await eraser.sealerFor('tenant', '1').open(CONTEXT, newer)).toEqual(TEXT);
    expect(await eraser.erase('tenant')).toBe(true);
    for (const sealed of [older, newer]) {
      expect(await living.sealerFor('tenant', '2').open(CONTEXT, sealed)).toBeUndefined();
      expect(await eraser.sealerFor('tenant', '1').open(CONTEXT, sealed)).toBeUndefined();
      const fresh = one.vaultWith(B, A).sealerFor('tenant', '1');
      expect(await fresh.open(CONTEXT, sealed)).toBeUndefined();
    }
    expect(await living.sealerFor('neighbour', '2').open(CONTEXT, neighbour)).toEqual(TEXT);
    expect(await eraser.erase('tenant')).toBe(true);

    const again = await seal(living.sealerFor('tenant', '2'));
    expect(await eraser.sealerFor('tenant', '2').open(CONTEXT, again)).toEqual(TEXT);
    expect(await eraser.sealerFor('tenant', '2').open(CONTEXT, newer)).toBeUndefined();
  });

  it('a salt that is renewed after it was erased does not come back', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const living = one.vaultWith(A).sealerFor('tenant', '1');
    const sealed = await seal(living);
    await other.vaultWith(A).erase('tenant');
    vi.advanceTimersByTime(RENEWAL_MS);
    await seal(living);
    expect(await saltsIn(one)).toHaveLength(1);
    expect(await living.open(CONTEXT, sealed)).toBeUndefined();
  });

  it('processes that need a salt at once agree on it', async () => {
    const principals = Array.from({ length: 30 }, (_, index) => `tenant ${index}`);
    const vaults = [one, other, one, other].map(({ vaultWith }) => vaultWith(A));
    await Promise.all(
      principals.map(async (principal) => {
        const sealers = vaults.map((vault) => vault.sealerFor(principal, '1'));
        const all = await Promise.all(sealers.map((sealer) => seal(sealer)));
        const fresh = one.vaultWith(A).sealerFor(principal, '1');
        const opened = await Promise.all(all.map((sealed) => fresh.open(CONTEXT, sealed)));
        expect(opened).toEqual(all.map(() => TEXT));
      }),
    );
    expect(await saltsIn(one)).toHaveLength(principals.length);
  });

  it('what was sealed with a salt that is gone does not open', async () => {
    const sealed = await seal(one.vaultWith(A).sealerFor('tenant', '1'));
    await one.client.unlink(await onlySaltIn(one));
    expect(await other.vaultWith(A).sealerFor('tenant', '1').open(CONTEXT, sealed)).toBeUndefined();
    expect(await saltsIn(one)).toEqual([]);
  });

  it('a process that remembers a salt which was evicted goes on with the new one', async () => {
    const living = one.vaultWith(A).sealerFor('tenant', '1');
    const older = await seal(living);
    await one.client.unlink(await onlySaltIn(one));
    expect(await living.open(CONTEXT, older)).toEqual(TEXT);
    const fresh = other.vaultWith(A).sealerFor('tenant', '1');
    const newer = await seal(fresh);
    expect(await living.open(CONTEXT, newer)).toEqual(TEXT);
    expect(await fresh.open(CONTEXT, await seal(living))).toEqual(TEXT);
  });

  it.each([
    ['too short', 'x'],
    ['too long', 'x'.repeat(33)],
  ])('nothing is sealed or opened with a salt that is %s', async (_what, damaged) => {
    const sealed = await seal(one.vaultWith(A).sealerFor('tenant', '1'));
    await one.client.set(await onlySaltIn(one), damaged);
    const fresh = other.vaultWith(A).sealerFor('tenant', '1');
    expect(await fresh.open(CONTEXT, sealed)).toBeUndefined();
    expect(await fresh.seal(CONTEXT, TEXT)).toBeUndefined();
  });

  it('a salt lives on while it is used for sealing, not for opening, and is renewed now and then', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const sealer = one.vaultWith(A).sealerFor('tenant', '1');
    const sealed = await seal(sealer);
    const name = await onlySaltIn(one);
    expect(await one.client.pttl(name)).toBeGreaterThan(SALT_LIFETIME_MS - 60_000);
    await one.client.pexpire(name, 100_000);
    await seal(sealer);
    vi.advanceTimersByTime(RENEWAL_MS - 1);
    await seal(sealer);
    const fresh = other.vaultWith(A).sealerFor('tenant', '1');
    expect(await fresh.open(CONTEXT, sealed)).toEqual(TEXT);
    vi.advanceTimersByTime(1);
    expect(await sealer.open(CONTEXT, sealed)).toEqual(TEXT);
    expect(await one.client.pttl(name)).toBeLessThanOrEqual(100_000);
    await seal(sealer);
    expect(await one.client.pttl(name)).toBeGreaterThan(SALT_LIFETIME_MS - 60_000);

    await one.client.pexpire(name, 100_000);
    await seal(fresh);
    expect(await one.client.pttl(name)).toBeGreaterThan(SALT_LIFETIME_MS - 60_000);
  });

  it('asks Redis once for callers that come at once, and not again in the same epoch', async () => {
    const sealed = await seal(one.vaultWith(A).sealerFor('tenant', '1'));
    const vault = other.vaultWith(A);
    // The script is known to Redis from here on.
    await other.vaultWith(A).sealerFor('tenant', '1').open(CONTEXT, sealed);
    const openBy = async (epoch: string): Promise<number> => {
      azure.redis.resetStatistics();
      const sealers = Array.from({ length: 50 }, () => vault.sealerFor('tenant', epoch));
      const opened = await Promise.all(sealers.map((sealer) => sealer.open(CONTEXT, sealed)));
      expect(opened).toEqual(sealers.map(() => TEXT));
      return azure.redis.commands;
    };
    expect([await openBy('1'), await openBy('1'), await openBy('2')]).toEqual([1, 0, 1]);
  });

  it.each([100, Infinity])(
    'Redis sees no principal, secret, name or text, compressed above %d',
    async (compressAboveBytes) => {
      const vault = new Vault(one.store, { secrets: [B, A], compressAboveBytes });
      const principals = ['scope:tenant-of-somebody', 'public'];
      for (const principal of principals) {
        const [name] = vault.namesOf(`llm:tag:${principal}`);
        await one.store.setBytes(name, await seal(vault.sealerFor(principal, '1')), 60_000);
      }
      const names = await namesIn(one, '*');
      const values = await Promise.all(names.map((name) => one.client.getBuffer(name)));
      expect(names).toHaveLength(4);
      const seen = Buffer.concat([
        Buffer.from(names.join()),
        ...values.map((v) => v ?? Buffer.of()),
      ]);
      expect(seen.length).toBeGreaterThan(4 * 32);
      for (const hidden of [...principals, 'tenant', 'tag', A, B, 'secret', 'answer', 'long']) {
        for (const encoding of ['utf8', 'base64url', 'hex'] as const) {
          expect(seen.includes(Buffer.from(hidden).toString(encoding))).toBe(false);
        }
      }
    },
  );
});

/** Nobody can tell whether it could be opened. */
const orUnknown = async (opening: Promise<Buffer | undefined>): Promise<unknown> =>
  opening.catch(() => 'unknown');

describe('when Redis is in trouble', () => {
  const DEADLINE_MS = 250;
  let azure: LocalAzure;
  let process: Process;

  beforeEach(async () => {
    azure = await startLocalAzure();
    process = await startProcess(azure, DEADLINE_MS);
  });
  afterEach(async () => {
    azure.redis.recover();
    await azure.stop();
  });

  const troubles: [string, (local: LocalAzure) => void | Promise<void>][] = [
    ['frozen', ({ redis }) => redis.freeze()],
    ['a black hole', ({ redis }) => redis.blackhole()],
    ['slow', ({ redis }) => redis.delay(2_000)],
    [
      'gone and refusing connections',
      ({ redis }) => {
        redis.refuse();
        redis.kill();
      },
    ],
    ['refusing commands', ({ redis }) => redis.failCommands('NOPERM no permissions', 100)],
  ];

  it.each(troubles)('%s: nothing is sealed, opened or erased, in time', async (_what, begin) => {
    const known = process.vaultWith(A);
    const sealed = await seal(known.sealerFor('tenant', '1'));
    await begin(azure);
    const fresh = process.vaultWith(A);
    const { result, tookMs } = await timed(
      Promise.all([
        orUnknown(fresh.sealerFor('tenant', '1').open(CONTEXT, sealed)),
        fresh.sealerFor('other', '1').seal(CONTEXT, TEXT),
        orUnknown(known.sealerFor('tenant', '2').open(CONTEXT, sealed)),
        fresh.erase('tenant'),
      ]),
    );
    expect(result).toEqual(['unknown', undefined, 'unknown', false]);
    // The deadline, and room for a busy machine.
    expect(tookMs).toBeLessThan(DEADLINE_MS + 750);
  });

  it('what a process remembers is enough to open, in the same epoch', async () => {
    const vault = process.vaultWith(A);
    const sealed = await seal(vault.sealerFor('tenant', '1'));
    azure.redis.refuse();
    azure.redis.kill();
    expect(await vault.sealerFor('tenant', '1').open(CONTEXT, sealed)).toEqual(TEXT);
    expect(await orUnknown(vault.sealerFor('tenant', '2').open(CONTEXT, sealed))).toBe('unknown');
    // The key is forgotten when its epoch is over.
    expect(await orUnknown(vault.sealerFor('tenant', '1').open(CONTEXT, sealed))).toBe('unknown');
  });

  it('full: nothing is sealed, and everything opens', async () => {
    const sealed = await seal(process.vaultWith(A).sealerFor('tenant', '1'));
    const sealer = process.vaultWith(A).sealerFor('tenant', '1');
    await process.client.config('SET', 'maxmemory', '1');
    const [resealed, opened] = await Promise.all([
      sealer.seal(CONTEXT, TEXT),
      sealer.open(CONTEXT, sealed),
    ]);
    expect([resealed, opened]).toEqual([undefined, TEXT]);
  });

  it('seals again once the trouble is over', async () => {
    const sealer = process.vaultWith(A).sealerFor('tenant', '1');
    azure.redis.failCommands("READONLY You can't write against a read only replica.", 1);
    expect(await sealer.seal(CONTEXT, TEXT)).toBeUndefined();
    expect(await sealer.open(CONTEXT, await seal(sealer))).toEqual(TEXT);
  });
});
