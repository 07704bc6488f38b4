import { describe, expect, it } from 'vitest';
import { canonicalJson, MAX_JSON_DEPTH } from '../../../lib/llm-cache/key/canonical-json.js';

const canonical = (json: string) => canonicalJson(JSON.parse(json));

describe('canonicalJson', () => {
  it.each([
    ['order of members', '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
    ['order of members inside arrays', '[{"a":1,"b":2}]', '[{"b":2,"a":1}]'],
    ['spacing', '{"a":[1,2]}', ' { "a" : [ 1 ,\n2 ] } '],
    ['spelling of integers', '{"t":0}', '{"t":0.0}'],
    ['sign of zero', '{"t":0}', '{"t":-0}'],
    ['exponents', '{"t":100}', '{"t":1e2}'],
    ['escapes', '{"a":"\\u00e9\\/"}', '{"a":"é/"}'],
    [
      'order of schema keywords',
      '{"schema":{"type":"object","properties":{"a":{"type":"string","maxLength":1}}}}',
      '{"schema":{"properties":{"a":{"maxLength":1,"type":"string"}},"type":"object"}}',
    ],
  ])('does not depend on the %s', (_what, a, b) => {
    expect(canonical(a)).toBe(canonical(b));
  });

  it.each([
    ['a value', '{"a":1}', '{"a":2}'],
    ['a type', '{"a":1}', '{"a":"1"}'],
    ['null and absent', '{"a":null}', '{}'],
    ['null and text', '["null"]', '[null]'],
    ['order of items', '[1,2]', '[2,1]'],
    ['nesting of items', '[[1],2]', '[[1,2]]'],
    ['text that looks like structure', '{"a":"b\\",\\"c\\":\\"d"}', '{"a":"b","c":"d"}'],
    ['names that look like structure', '{"a\\":1,\\"b":2}', '{"a":1,"b":2}'],
    ['case', '{"a":"Secret"}', '{"a":"secret"}'],
    ['lone surrogates', '["\\ud800"]', '["\\ud801"]'],
    ['own __proto__ member', '{"__proto__":{"a":1}}', '{}'],
    [
      'order of schema properties',
      '{"tools":[{"function":{"parameters":{"properties":{"reason":{},"answer":{}}}}}]}',
      '{"tools":[{"function":{"parameters":{"properties":{"answer":{},"reason":{}}}}}]}',
    ],
    [
      'order of nested schema properties',
      '{"text":{"format":{"schema":{"properties":{"x":{"properties":{"b":{},"a":{}}}}}}}}',
      '{"text":{"format":{"schema":{"properties":{"x":{"properties":{"a":{},"b":{}}}}}}}}',
    ],
    [
      'order of properties under a property of that name',
      '{"properties":{"properties":{"b":{},"a":{}}}}',
      '{"properties":{"properties":{"a":{},"b":{}}}}',
    ],
    [
      'order of schema definitions',
      '{"input_schema":{"$defs":{"B":{},"A":{}}}}',
      '{"input_schema":{"$defs":{"A":{},"B":{}}}}',
    ],
  ])('tells apart: %s', (_what, a, b) => {
    expect(canonical(a)).toBeDefined();
    expect(canonical(a)).not.toBe(canonical(b));
  });

  it.each(['9007199254740992', '9007199254740993', '-9007199254740993', '1e300', '1e999'])(
    'has no text for %s, which the parser may have rounded',
    (number) => {
      expect(canonical(`{"seed":[${number}]}`)).toBeUndefined();
    },
  );

  it.each(['9007199254740991', '0.1', '1e-7', '-1.5'])('has a text for %s', (number) => {
    expect(canonical(`{"seed":${number}}`)).toBe(`{"seed":${JSON.stringify(Number(number))}}`);
  });

  it.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a bigint', 1n],
    ['a symbol', Symbol('x')],
    ['NaN', Number.NaN],
    ['a Date', new Date(0)],
    ['a Buffer', Buffer.from('{}')],
    ['a Map', new Map()],
    [
      'a class instance',
      new (class Body {
        text = 'Hi';
      })(),
    ],
  ])('has no text for %s', (_what, value) => {
    expect(canonicalJson(value)).toBeUndefined();
    expect(canonicalJson({ nested: [value] })).toBeUndefined();
  });

  it('has no text for nesting that could exhaust the stack', () => {
    const nested = (depth: number) => canonical('['.repeat(depth) + ']'.repeat(depth));
    expect(nested(MAX_JSON_DEPTH)).toBeDefined();
    expect(nested(MAX_JSON_DEPTH + 1)).toBeUndefined();
    expect(nested(50_000)).toBeUndefined();
  });

  it('is the JSON of an equal value, so that no two values share a text', () => {
    const random = seeded(7);
    for (let round = 0; round < 500; round++) {
      const value = randomJson(random, 4);
      const text = canonicalJson(value);
      expect(JSON.parse(text ?? '')).toEqual(value);
      expect(canonicalJson(shuffled(value, random))).toBe(text);
    }
  });
});

/** Mulberry32: small, and the same numbers in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TEXTS = ['', 'a', '"', '\\', ',', ':', '{}', 'a","b', 'é', '\u2028', '1', 'null'];

/** Without a backslash: having seen such a name, JSON.parse of Node 24 misreads others (nodejs/node#63785). */
const NAMES = TEXTS.filter((text) => text !== '\\').map((text) => `k${text}`);

function randomJson(random: () => number, depth: number): unknown {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)];
  const kind = Math.floor(random() * (depth === 0 ? 3 : 5));
  if (kind === 0) return pick(TEXTS);
  if (kind === 1) return pick([0, 1, -1, 0.5, 1e-9, 123456789]);
  if (kind === 2) return pick([true, false, null]);
  const size = Math.floor(random() * 4);
  if (kind === 3) return Array.from({ length: size }, () => randomJson(random, depth - 1));
  return Object.fromEntries(
    Array.from({ length: size }, () => [pick(NAMES), randomJson(random, depth - 1)]),
  );
}

function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const order = Object.entries(value).map((entry) => ({ entry, rank: random() }));
  return Object.fromEntries(
    order
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ entry: [name, member] }) => [name, shuffled(member, random)]),
  );
}
