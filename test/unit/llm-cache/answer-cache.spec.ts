import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AnswerCache } from '../../../lib/llm-cache/answer-cache.js';
import type { AnswerRequest } from '../../../lib/llm-cache/answer-request.interface.js';
import { readRequestControls } from '../../../lib/llm-cache/policy/request-controls.js';
import { json } from '../../../lib/llm-cache/protocols/json.js';
import { wholeAnswer } from '../../../lib/llm-cache/recording/answer-memory.js';
import { once } from '../../../lib/llm-cache/recording/chunk.js';
import { RecordedAnswers } from '../../../lib/llm-cache/recording/recorded-answers.js';
import { LlmCacheStatistics } from '../../../lib/llm-cache/statistics.js';
import { DEFAULT_LLM_CACHE } from '../../../lib/options/azure-redis-options.defaults.js';
import { memoryStore } from '../../fixtures/memory-store.js';

const emptyMemory = () =>
  wholeAnswer(new RecordedAnswers(memoryStore().store, () => undefined), 'key');

function requestOf(over: Partial<AnswerRequest> = {}): AnswerRequest & { calls(): number } {
  let calls = 0;
  return {
    key: 'key',
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
  };
}

const freshCache = (): AnswerCache => new AnswerCache(new LlmCacheStatistics());

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
    const request = requestOf({
      key: 'failing call',
      controls: readRequestControls(headers, undefined, 'http', DEFAULT_LLM_CACHE),
      call: () => Promise.reject(new Error('The upstream is down.')),
    });
    await expect(freshCache().serve(request)).rejects.toThrow('The upstream is down.');
    await nextTurn();
    expect(getEventListeners(request.gone, 'abort')).toEqual([]);
  });
});
