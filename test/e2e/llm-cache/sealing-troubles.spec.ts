import { LlmCacheService, type AzureRedisCacheOptions } from 'nestjs-azure-redis';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OriginatedHead } from '../../../lib/llm-cache/recording/answer.js';
import type { Entry } from '../../../lib/llm-cache/recording/entry.js';
import { RecordedAnswers } from '../../../lib/llm-cache/recording/recorded-answers.js';
import { Vault } from '../../../lib/llm-cache/sealing/vault.js';
import type { ScriptStore } from '../../../lib/store/script-store.interface.js';
import { startCachedApp, type CachedApp } from '../../fixtures/cached-app.js';
import { eventually } from '../../fixtures/eventually.js';
import { memoryStore } from '../../fixtures/memory-store.js';

const SECRET = 'a secret of at least 32 characters';
const DAY_MS = 24 * 60 * 60 * 1000;
const PRINCIPAL = 'scope:acme';

/** The scripts of the salts over a Map, with a switch for trouble. */
function saltStore() {
  const salts = new Map<string, Buffer>();
  const state: { trouble: 'none' | 'no answer' | 'throws' } = { trouble: 'none' };
  const store: ScriptStore = {
    async runScript(_kind, { lua }, [name], [salt]) {
      if (state.trouble === 'throws') throw new Error('unreachable');
      if (state.trouble === 'no answer') return undefined;
      if (lua.includes('UNLINK')) return salts.delete(name) ? 1 : 0;
      if (Buffer.isBuffer(salt) && !salts.has(name)) salts.set(name, salt);
      return salts.get(name) ?? null;
    },
  };
  const startProcess = (): Vault =>
    new Vault(store, { secrets: [SECRET], compressAboveBytes: Infinity });
  return { state, store, startProcess };
}

const head: OriginatedHead = {
  kind: 'value',
  status: 200,
  headers: {},
  origin: { id: 'call', epoch: 'base:0' },
};
const entry: Entry = {
  storedAtMs: Date.now(),
  ttlMs: DAY_MS,
  tookMs: 1,
  usage: {},
  head,
  frames: [{ form: 'json', bytes: Buffer.from('{}'), atMs: 0, personal: [] }],
};

describe('salts in trouble', () => {
  it('a salt that cannot be read for a moment costs no entry', async () => {
    const { state, startProcess } = saltStore();
    const { entries, store } = memoryStore();
    const answersOf = (vault: Vault): RecordedAnswers =>
      new RecordedAnswers({
        store,
        namesOf: (name) => vault.namesOf(name),
        sealer: vault.sealerFor(PRINCIPAL, '1'),
        onStoreState: () => undefined,
      });
    await answersOf(startProcess()).record('key', entry, DAY_MS);
    expect(entries.size).toBe(1);

    const other = answersOf(startProcess());
    state.trouble = 'no answer';
    expect(await other.find('key')).toBeUndefined();
    state.trouble = 'none';

    expect(entries.size).toBe(1);
    expect(await other.find('key')).toBeDefined();
  });

  it('a store that throws once is asked again', async () => {
    const { state, startProcess } = saltStore();
    const sealer = startProcess().sealerFor(PRINCIPAL, '1');
    state.trouble = 'throws';
    await sealer.seal('context', Buffer.from('answer')).catch(() => undefined);
    state.trouble = 'none';

    expect(await sealer.seal('context', Buffer.from('answer'))).toBeInstanceOf(Buffer);
  });
});

describe('an encrypted cache over Redis', () => {
  let azure: LocalAzure;
  let cached: CachedApp;
  const cache: AzureRedisCacheOptions = { llm: { encryption: { secrets: [SECRET] } } };
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const CHAT_URL = 'http://127.0.0.1:9/v1/chat/completions';
  const answer = (): Response => {
    const message = { role: 'assistant', content: 'Hi' };
    return Response.json({ choices: [{ index: 0, message, finish_reason: 'stop' }] });
  };

  beforeAll(async () => {
    azure = await startLocalAzure();
    cached = await startCachedApp(azure, { cache });
  });
  afterAll(async () => {
    await cached.app.close();
    await azure.stop();
  });

  const salts = () => cached.redis.keys('*:llm:salt:*');

  it('an answer of a call before erase() is not sealed with a new salt behind it', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let calls = 0;
    const fetchOfTenant = cached.app.get(LlmCacheService).createFetch({
      scope: 'acme',
      fetch: async () => {
        calls += 1;
        await gate;
        return answer();
      },
    });
    const asked = fetchOfTenant(CHAT_URL, init);
    await eventually('a call', () => calls === 1);
    expect(await cached.cache.erase('acme')).toBe(true);
    open();
    await cached.read(asked);
    // Redis answers in order: behind this the entry is written, if it is at all.
    for (let trip = 0; trip < 5; trip += 1) await cached.redis.ping();

    // Nobody can open what there may be without a salt.
    const [left, kept] = [await salts(), await cached.entries()];
    expect({ salts: left.length, entries: kept.length }).not.toEqual({ salts: 1, entries: 1 });
  });

  it('a salt lives as long as the entries that are sealed with it', async () => {
    await cached.redis.flushall();
    const long = cached.cache.createFetch({
      scope: 'b',
      ttlMs: 60 * DAY_MS,
      fetch: async () => answer(),
    });
    await cached.read(long(CHAT_URL, init));
    const [salt = ''] = await salts();
    expect(await cached.redis.pttl(salt)).toBeGreaterThanOrEqual((await cached.lifetime()) - 1_000);
  });
});
