import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ledger, type RecordedCall } from '../../../../lib/llm-cache/accounting/ledger.js';
import type { LlmCachePricing } from '../../../../lib/options/llm-cache-options.interface.js';

const ROUTE = 'POST /v1/chat/completions';
const REQUEST = { route: ROUTE, model: 'gpt-4o' };
const CALL: RecordedCall = {
  usage: { model: 'gpt-4o-2024-08-06', inputTokens: 1_000, outputTokens: 200 },
  tookMs: 1_250,
};
const NOTHING: RecordedCall = { usage: {}, tookMs: undefined };

function openLedger(pricing?: LlmCachePricing) {
  const troubles: unknown[] = [];
  const onPricingTrouble = (error: unknown): void => void troubles.push(error);
  return { ledger: new Ledger({ pricing, onPricingTrouble }), troubles };
}

describe('the statistics', () => {
  it('begin with nothing', () => {
    expect(openLedger().ledger.snapshot()).toEqual({
      hits: 0,
      misses: 0,
      collapsed: 0,
      stale: 0,
      shadowHits: 0,
      stored: 0,
      bypasses: {},
      notStored: {},
      savedInputTokens: 0,
      savedOutputTokens: 0,
      savedUpstreamMs: 0,
      savedCost: 0,
      shadowInputTokens: 0,
      shadowOutputTokens: 0,
      shadowUpstreamMs: 0,
      shadowCost: 0,
      byModel: {},
      byRoute: {},
    });
  });

  it('count each outcome, in all and by model and route', async () => {
    const { ledger } = openLedger();
    const other = { route: 'api.openai.com/v1/responses', model: 'o3' };
    ledger.hit(REQUEST, CALL);
    ledger.hit(other, CALL);
    ledger.miss(REQUEST);
    ledger.miss({ ...REQUEST, model: 'o3' });
    ledger.collapsed(REQUEST, Promise.resolve(CALL));
    ledger.stale(REQUEST, CALL);
    ledger.shadowHit(REQUEST, CALL);
    await new Promise(setImmediate);
    ledger.stored(REQUEST);
    ledger.bypass({ ...REQUEST, model: undefined }, 'not-json');
    ledger.bypass(REQUEST, 'stateful');
    ledger.bypass(REQUEST, 'stateful');
    ledger.unstorable(REQUEST, 'cut');

    const stats = ledger.snapshot();
    expect(stats).toMatchObject({
      hits: 2,
      misses: 2,
      collapsed: 1,
      stale: 1,
      shadowHits: 1,
      stored: 1,
      bypasses: { 'not-json': 1, stateful: 2 },
      notStored: { cut: 1 },
      savedInputTokens: 4_000,
      savedOutputTokens: 800,
      savedUpstreamMs: 5_000,
      shadowInputTokens: 1_000,
      shadowOutputTokens: 200,
      shadowUpstreamMs: 1_250,
    });
    expect(Object.keys(stats.byModel)).toEqual(['gpt-4o', 'o3', 'unknown']);
    expect(stats.byModel['o3']).toMatchObject({ hits: 1, misses: 1, savedOutputTokens: 200 });
    expect(stats.byModel['unknown']).toMatchObject({ hits: 0, bypasses: { 'not-json': 1 } });
    expect(Object.keys(stats.byRoute)).toEqual([ROUTE, other.route]);
    expect(stats.byRoute[ROUTE]).toMatchObject({
      hits: 1,
      misses: 2,
      bypasses: { 'not-json': 1, stateful: 2 },
      savedInputTokens: 3_000,
    });
  });

  it('save nothing that is not known', () => {
    const { ledger } = openLedger(() => 1);
    ledger.hit(REQUEST, NOTHING);
    ledger.hit(REQUEST, { usage: { inputTokens: 7 }, tookMs: 5 });
    expect(ledger.snapshot()).toMatchObject({
      hits: 2,
      savedInputTokens: 7,
      savedOutputTokens: 0,
      savedUpstreamMs: 5,
      savedCost: 0,
    });
  });

  it('are frozen, and stay as they were', () => {
    const { ledger } = openLedger();
    ledger.hit(REQUEST, CALL);
    ledger.bypass(REQUEST, 'key');
    const before = ledger.snapshot();
    ledger.hit(REQUEST, CALL);
    ledger.bypass(REQUEST, 'key');
    expect(before).toMatchObject({ hits: 1, bypasses: { key: 1 } });
    expect(before.byModel['gpt-4o']).toMatchObject({ hits: 1, bypasses: { key: 1 } });
    const parts = [before.bypasses, before.notStored, before.byModel, before.byRoute];
    const inner = [before.byModel['gpt-4o'], before.byRoute[ROUTE]?.notStored];
    for (const part of [before, ...parts, ...inner]) expect(Object.isFrozen(part)).toBe(true);
  });

  it('are bounded by names, not by what callers send', () => {
    const { ledger } = openLedger();
    for (let n = 0; n < 10_000; n += 1) {
      ledger.miss({ route: ROUTE, model: `model ${Math.sin(n)}` });
    }
    ledger.hit({ route: '/v1/messages', model: 'claude' }, CALL);
    const { misses, byModel, byRoute } = ledger.snapshot();
    expect(misses).toBe(10_000);
    expect(Object.keys(byModel).length).toBeLessThanOrEqual(100);
    expect(byModel['other']?.misses).toBeGreaterThan(9_800);
    expect(byRoute[ROUTE]?.misses).toBe(10_000);
    expect(byRoute['other']?.hits).toBe(1);
  });

  it('take a model of any name', () => {
    const { ledger } = openLedger();
    for (const model of ['__proto__', 'constructor']) ledger.miss({ route: ROUTE, model });
    const { byModel } = ledger.snapshot();
    expect(Object.keys(byModel)).toEqual(['__proto__', 'constructor']);
    expect(Object.values(byModel).map(({ misses }) => misses)).toEqual([1, 1]);
  });

  it('never go down, whatever an entry or a pricing says', () => {
    const amount = fc.oneof(fc.double(), fc.integer(), fc.constant(undefined));
    const call = fc.record({ inputTokens: amount, outputTokens: amount, tookMs: amount });
    fc.assert(
      fc.property(fc.array(fc.tuple(call, fc.double())), (hits) => {
        const prices = hits.map(([, price]) => price);
        const { ledger } = openLedger(() => prices.pop() ?? Number.NaN);
        let last = ledger.snapshot();
        for (const [{ tookMs, ...usage }] of hits) {
          ledger.hit(REQUEST, { usage: usage as RecordedCall['usage'], tookMs });
          const next = ledger.snapshot();
          expect(next.savedInputTokens).toBeGreaterThanOrEqual(last.savedInputTokens);
          expect(next.savedOutputTokens).toBeGreaterThanOrEqual(last.savedOutputTokens);
          expect(next.savedUpstreamMs).toBeGreaterThanOrEqual(last.savedUpstreamMs);
          expect(next.savedCost).toBeGreaterThanOrEqual(last.savedCost);
          last = next;
        }
      }),
    );
  });
});

describe('a pricing', () => {
  it('is asked with the model that answered, and its prices add up', () => {
    const asked: unknown[] = [];
    const { ledger, troubles } = openLedger((usage) => {
      asked.push(usage);
      return usage.inputTokens * 0.25 + usage.outputTokens;
    });
    ledger.hit(REQUEST, CALL);
    ledger.hit(REQUEST, { ...CALL, usage: { inputTokens: 4, outputTokens: 0 } });
    ledger.hit(
      { ...REQUEST, model: undefined },
      { ...CALL, usage: { inputTokens: 0, outputTokens: 0 } },
    );
    expect(asked).toEqual([
      { model: 'gpt-4o-2024-08-06', inputTokens: 1_000, outputTokens: 200 },
      { model: 'gpt-4o', inputTokens: 4, outputTokens: 0 },
      { model: undefined, inputTokens: 0, outputTokens: 0 },
    ]);
    expect(ledger.snapshot().savedCost).toBe(451);
    expect(ledger.snapshot().byModel['gpt-4o']?.savedCost).toBe(451);
    expect(troubles).toEqual([]);
  });

  it.each([[{ inputTokens: 1 }], [{ outputTokens: 1 }], [{ model: 'gpt-4o' }]])(
    'is not asked for what is known by half: %j',
    (usage) => {
      const { ledger } = openLedger(() => {
        throw new Error('Not asked.');
      });
      ledger.hit(REQUEST, { usage, tookMs: 1 });
      expect(ledger.snapshot()).toMatchObject({ hits: 1, savedCost: 0 });
    },
  );

  it.each<[string, LlmCachePricing, RegExp]>([
    [
      'throws',
      () => {
        throw new Error('No such model.');
      },
      /No such model/,
    ],
    ['returns NaN', () => Number.NaN, /from 0 up, got the number NaN/],
    ['returns infinity', () => Number.POSITIVE_INFINITY, /got the number Infinity/],
    ['returns less than nothing', () => -0.01, /got the number -0.01/],
    ['returns nothing', () => JSON.parse('{}').price, /got nothing/],
    ['returns a text', () => JSON.parse('"0.1"'), /got a string of 3 characters/],
    [
      'returns a promise that fails',
      // As JavaScript may.
      (async () => {
        throw new Error('Later.');
      }) as unknown as LlmCachePricing,
      /got a Promise/,
    ],
  ])(
    'that %s costs no request, counts no cost and is reported once',
    async (_what, pricing, why) => {
      const { ledger, troubles } = openLedger(pricing);
      ledger.hit(REQUEST, CALL);
      ledger.hit(REQUEST, CALL);
      await new Promise(setImmediate);
      expect(ledger.snapshot()).toMatchObject({ hits: 2, savedInputTokens: 2_000, savedCost: 0 });
      expect(troubles).toEqual([expect.objectContaining({ message: expect.stringMatching(why) })]);
    },
  );

  it('that fails for some models counts the others', () => {
    const { ledger } = openLedger(({ inputTokens }) => (inputTokens === 1_000 ? Number.NaN : 2));
    ledger.hit(REQUEST, CALL);
    ledger.hit(REQUEST, { ...CALL, usage: { inputTokens: 1, outputTokens: 1 } });
    expect(ledger.snapshot().savedCost).toBe(2);
  });
});

describe('an event', () => {
  const CHANNEL = 'nestjs-azure-redis:llmCache';
  let events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);

  beforeEach(() => {
    events = [];
    subscribe(CHANNEL, listen);
  });
  afterEach(() => {
    unsubscribe(CHANNEL, listen);
  });

  it('is published for each outcome, with the members that it is documented to have', async () => {
    const { ledger } = openLedger(() => 0.5);
    ledger.hit(REQUEST, CALL);
    ledger.hit(REQUEST, NOTHING);
    ledger.miss(REQUEST);
    ledger.stale(REQUEST, CALL);
    ledger.shadowHit(REQUEST, CALL);
    ledger.bypass({ ...REQUEST, model: undefined }, 'hosted-tool');
    ledger.collapsed(REQUEST, Promise.resolve(CALL));
    await new Promise(setImmediate);
    ledger.collapsed(REQUEST, Promise.reject(new Error('cut')));
    await new Promise(setImmediate);
    const who = { route: ROUTE, model: 'gpt-4o' };
    const savings = {
      savedInputTokens: 1_000,
      savedOutputTokens: 200,
      savedUpstreamMs: 1_250,
      savedCost: 0.5,
    };
    expect(events).toStrictEqual([
      { result: 'hit', ...who, ...savings },
      { result: 'hit', ...who },
      { result: 'miss', ...who },
      { result: 'stale', ...who, ...savings },
      { result: 'shadow', ...who, ...savings },
      { result: 'bypass', route: ROUTE, model: 'unknown', reason: 'hosted-tool' },
      { result: 'collapsed', ...who, ...savings },
      { result: 'collapsed', ...who },
    ]);
  });

  it('is none for what becomes of an answer', () => {
    const { ledger } = openLedger();
    ledger.stored(REQUEST);
    ledger.unstorable(REQUEST, 'too-large');
    expect(events).toEqual([]);
  });

  it('has clean names, of which there are not too many', () => {
    const { ledger } = openLedger();
    for (let n = 0; n < 10_000; n += 1) {
      ledger.miss({ route: `/${n % 7}`, model: `${n}\r\n${'x'.repeat(500)}` });
    }
    const pairs = new Set(events.map((event) => JSON.stringify(event)));
    expect(events).toHaveLength(10_000);
    expect(pairs.size).toBeLessThanOrEqual(100);
    for (const pair of pairs) expect(JSON.parse(pair).model).toMatch(/^[\dx]{1,128}$|^other$/);
  });
});
