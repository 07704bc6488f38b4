import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Account } from '../../../lib/llm-cache/accounting/account.js';
import { Ledger } from '../../../lib/llm-cache/accounting/ledger.js';
import { AnswerCache } from '../../../lib/llm-cache/answer-cache.js';
import type { AnswerRequest } from '../../../lib/llm-cache/answer-request.interface.js';
import { NOT_STALE } from '../../../lib/llm-cache/policy/freshness.js';
import { readRequestControls } from '../../../lib/llm-cache/policy/request-controls.js';
import { json } from '../../../lib/llm-cache/protocols/json.js';
import { wholeAnswer } from '../../../lib/llm-cache/recording/answer-memory.js';
import { once } from '../../../lib/llm-cache/recording/chunk.js';
import { RecordedAnswers } from '../../../lib/llm-cache/recording/recorded-answers.js';
import { DEFAULT_LLM_CACHE } from '../../../lib/options/azure-redis-options.defaults.js';
import { memoryStore } from '../../fixtures/memory-store.js';
import { plainSealer } from '../../fixtures/plain-sealer.js';

const emptyMemory = () =>
  wholeAnswer(
    new RecordedAnswers({
      store: memoryStore().store,
      sealer: plainSealer,
      namesOf: (key) => [key],
      onStoreState: () => undefined,
    }),
    'key',
  );

const ledger = new Ledger({ onPricingTrouble: () => undefined });

function requestOf(over: Partial<AnswerRequest> = {}): AnswerRequest & { calls(): number } {
  let calls = 0;
  const request = {
    key: 'key',
    epoch: 'base:0',
    isEpochFresh: true,
    isValid: () => true,
    sealer: plainSealer,
    account: new Account(ledger, { route: 'test', model: undefined }),
    staleness: NOT_STALE,
    isShadow: false,
    resumes: undefined,
    canCallLate: true,
    detached: (): AnswerRequest => request,
    onStored: () => undefined,
    memory: emptyMemory(),
    protocol: json,
    body: {},
    controls: readRequestControls({}, undefined, false, DEFAULT_LLM_CACHE),
    limits: DEFAULT_LLM_CACHE,
    gone: new AbortController().signal,
    ttlMs: async () => 1_000,
    call: async () => {
      calls += 1;
      return { head: { kind: 'value', status: 200, headers: {} }, chunks: once({ calls }) };
    },
    calls: () => calls,
    ...over,
  } satisfies AnswerRequest & { calls(): number };
  return request;
}

const freshCache = (): AnswerCache => new AnswerCache();

describe('the core of the cache', () => {
  it('calls nobody for a caller who has gone already', async () => {
    const request = requestOf({ gone: AbortSignal.abort(new Error('gone')) });
    await expect(freshCache().serve(request)).rejects.toThrow('gone');
    expect(request.calls()).toBe(0);
  });

  it('makes the call when its look-up fails, also for the next one', async () => {
    const cache = freshCache();
    const memory = { ...emptyMemory(), find: () => Promise.reject(new Error('odd')) };
    const request = requestOf({ key: 'failing look-up', memory });
    expect(await cache.serve(request)).toMatchObject({ from: 'handler' });
    await nextTurn();
    await nextTurn();
    expect(await cache.serve(request)).toMatchObject({ from: 'handler' });
    expect(request.calls()).toBe(2);
  });

  it.each([
    ['shared', {}],
    ['of its own', { 'cache-control': 'no-cache' }],
  ])('leaves no listener behind when a call fails: %s', async (_what, headers) => {
    const { signal: gone } = new AbortController();
    const request = requestOf({
      key: 'failing call',
      gone,
      controls: readRequestControls(headers, undefined, 'http', DEFAULT_LLM_CACHE),
      call: () => Promise.reject(new Error('The upstream is down.')),
    });
    await expect(freshCache().serve(request)).rejects.toThrow('The upstream is down.');
    await nextTurn();
    expect(getEventListeners(gone, 'abort')).toEqual([]);
  });
});
