import { describe, expect, it } from 'vitest';
import { publish } from '../../../lib/azure-redis.channels.js';
import { readTraceparent, writeTraceparent } from '../../../lib/telemetry/spans/traceparent.js';
import { collect } from './collected.js';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const SPAN_ID = 'b7ad6b7169203331';
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`;
const NOTHING = '0'.repeat(32);
const HIT = { result: 'hit', route: 'Chat.complete', model: 'gpt' } as const;

describe('a traceparent', () => {
  it('comes back as it went', () => {
    const context = readTraceparent(TRACEPARENT);
    expect(context).toStrictEqual({
      traceId: TRACE_ID,
      spanId: SPAN_ID,
      traceFlags: 1,
      isRemote: true,
    });
    expect(context && writeTraceparent(context)).toBe(TRACEPARENT);
  });

  it.each([
    ['is not sampled', { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 0 }],
    ['has no id', { traceId: NOTHING, spanId: SPAN_ID, traceFlags: 1 }],
  ])('is not written for a trace that %s', (_which, context) => {
    expect(writeTraceparent(context)).toBeUndefined();
  });

  it.each([
    '',
    'a trace',
    `01-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${NOTHING}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `${TRACEPARENT}\n`,
    `${TRACEPARENT}-more`,
  ])('is not read from %j', (text) => {
    expect(readTraceparent(text)).toBeUndefined();
  });
});

describe('the span of a look-up', () => {
  const spanOf = (event: object) => {
    const { spans } = collect();
    publish('llmCache', { ...HIT, ...event });
    return spans()[0];
  };

  it('has a link to the trace of its answer', () => {
    expect(spanOf({ trace: TRACEPARENT })?.links.map(({ context }) => context.spanId)).toEqual([
      SPAN_ID,
    ]);
  });

  it('has none to what is no trace', () => {
    const span = spanOf({ trace: 'nonsense' });
    expect([span?.name, span?.links]).toStrictEqual(['llm_cache hit', []]);
  });

  it('begins when the look-up began, to the fraction of a millisecond', () => {
    const startedAt = performance.timeOrigin + performance.now() - 250.25;
    const { startTime: [seconds, nanoseconds] = [0, 0], duration: [longS, longNs] = [0, 0] } =
      spanOf({ startedAt }) ?? {};
    expect(seconds * 1_000 + nanoseconds / 1e6).toBeCloseTo(startedAt, 2);
    expect(longS * 1_000 + longNs / 1e6).toBeGreaterThan(250);
  });

  it('has the length of even the shortest look-up', () => {
    const { spans } = collect();
    for (let round = 0; round < 20; round += 1) {
      publish('llmCache', { ...HIT, startedAt: performance.timeOrigin + performance.now() - 0.01 });
    }
    expect(spans()).toHaveLength(20);
    expect(spans().filter(({ duration: [, nanoseconds] }) => nanoseconds === 0)).toEqual([]);
  });

  it('has no length where nobody listened when the look-up began', () => {
    expect(spanOf({})?.duration).toStrictEqual([0, 0]);
  });
});
