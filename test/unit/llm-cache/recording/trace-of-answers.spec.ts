import { afterEach, describe, expect, it } from 'vitest';
import { isOriginatedHead, newOrigin } from '../../../../lib/llm-cache/recording/answer.js';
import { nameTracesBy } from '../../../../lib/llm-cache/recording/current-trace.js';
import { decodeEntry, encodeEntry, type Entry } from '../../../../lib/llm-cache/recording/entry.js';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const entryFrom = (origin: Entry['head']['origin']): Entry => ({
  storedAtMs: 1_700_000_000_000,
  ttlMs: 60_000,
  tookMs: 1_234,
  usage: {},
  head: { kind: 'value', status: 200, headers: {}, origin },
  frames: [{ form: 'json', bytes: Buffer.from('{}'), atMs: 0, personal: [] }],
});

afterEach(() => nameTracesBy(undefined));

describe('the trace of a recorded answer', () => {
  it('is that of the moment in which it was asked for, and stays with it', () => {
    const traces = [TRACE, TRACE.replace('b7ad', '0000')];
    nameTracesBy(() => traces.shift());
    const first = newOrigin('base:1');
    newOrigin('base:1');
    expect(first.trace).toBe(TRACE);
    expect(decodeEntry('key', encodeEntry('key', entryFrom(first)))?.head.origin.trace).toBe(TRACE);
  });

  it('is not there where nobody names it, or no longer', () => {
    expect(newOrigin('base:1')).not.toHaveProperty('trace');
    nameTracesBy(() => undefined);
    expect(newOrigin('base:1')).not.toHaveProperty('trace');
    nameTracesBy(() => TRACE);
    nameTracesBy(undefined);
    expect(newOrigin('base:1')).not.toHaveProperty('trace');
  });

  it('need not be there: older entries have none', () => {
    const old = entryFrom({ id: 'old', epoch: 'base:1' });
    expect(decodeEntry('key', encodeEntry('key', old))).toEqual(old);
  });

  it('is a text, or it is no answer', () => {
    const { head } = entryFrom({ id: 'new', epoch: 'base:1', trace: TRACE });
    expect(isOriginatedHead(head)).toBe(true);
    for (const trace of [1, null, { of: TRACE }]) {
      expect(isOriginatedHead({ ...head, origin: { ...head.origin, trace } })).toBe(false);
    }
  });
});
