import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locateMember, withoutMember } from '../../../lib/llm-cache/json-members.js';

/** The text at the place of the member. */
function slice(text: string, ...path: string[]): string | undefined {
  const bytes = Buffer.from(text);
  const range = locateMember(bytes, path);
  return range && bytes.toString('utf8', range.start, range.end);
}

/** What `JSON.parse` has there; `undefined` if there is nothing. */
function parsed(text: string, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined;
  }, JSON.parse(text));
}

const NAMES = ['id', 'response', 'a"b', 'x\\y', 'Grüße', '🦊', '', '__proto__', 'tab\t'];
const name = fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'grapheme' }));
const space = fc.constantFrom('', '', ' ', '\n\t ', '\r\n');
const leaf = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '-0', '0.10', '1E+2', '-1.5e-3', '"\\ud83e\\udd8a"'),
  fc
    .oneof(
      fc.string({ unit: 'grapheme' }),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    .map((value) => JSON.stringify(value)),
);

/** Each character as it is or as an escape. */
const nameText = name.chain((text) =>
  fc
    .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
    .map((escaped) =>
      [...Array(text.length).keys()].some((at) => escaped[at])
        ? `"${Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(text),
    ),
);

/** A JSON object as text, with any spacing, duplicates and escapes. */
const { object } = fc.letrec<{ value: string; object: string; list: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('object'), tie('list')),
  list: fc
    .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
  object: fc
    .array(fc.tuple(space, nameText, space, fc.constant(':'), space, tie('value'), space), {
      maxLength: 5,
    })
    .map((members) => `{${members.map((member) => member.join('')).join(',')}}`),
}));

describe('a member of a JSON text', () => {
  it('is where JSON.parse finds it, or nowhere', () => {
    fc.assert(
      fc.property(
        space,
        object,
        fc.array(name, { minLength: 1, maxLength: 3 }),
        (before, text, path) => {
          const found = slice(`${before}${text}`, ...path);
          const expected = parsed(text, path);
          expect(found === undefined ? undefined : JSON.parse(found)).toEqual(expected);
          expect(found?.trim()).toBe(found);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('is found by each path that JSON.parse has', () => {
    const pathsOf = (value: unknown): string[][] =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? []
        : Object.entries(value).flatMap(([key, inner]) => [
            [key],
            ...pathsOf(inner).map((path) => [key, ...path]),
          ]);
    fc.assert(
      fc.property(object, (text) => {
        for (const path of pathsOf(JSON.parse(text))) {
          expect(JSON.parse(slice(text, ...path) ?? '"nowhere"')).toEqual(parsed(text, path));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is nowhere in a text that is cut', () => {
    fc.assert(
      fc.property(
        object,
        name,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (text, key, share) => {
          const bytes = Buffer.from(text);
          expect(
            locateMember(bytes.subarray(0, Math.floor(bytes.length * share)), [key]),
          ).toBeUndefined();
        },
      ),
    );
  });

  it('is nowhere in a text that JSON.parse rejects', () => {
    fc.assert(
      fc.property(
        object,
        fc.nat(),
        fc.constantFrom(...Array.from('"{}[]:,\\0-.et \n')),
        (text, at, character) => {
          const where = at % text.length;
          const broken = `{"id":1,"x":${text.slice(0, where)}${character}${text.slice(where + 1)}}`;
          const isFound = slice(broken, 'id') !== undefined;
          // Behind the object there may be anything.
          expect(isFound).toBe(isJson(broken) || (isFound && endsEarly(broken)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('throws on no bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(name), (bytes, path) => {
        expect(() => locateMember(Buffer.from(bytes), path)).not.toThrow();
      }),
    );
  });

  it.each([
    ['{"id":"a"}', ['id'], '"a"'],
    ['{"id" :\n"a" , "x":1}', ['id'], '"a"'],
    ['{"id":1,"id":2}', ['id'], '2'],
    ['{"response":{"id":1},"response":{"id":2}}', ['response', 'id'], '2'],
    ['{"response":{"id":1},"response":2}', ['response', 'id'], undefined],
    ['{"\\u0069d":1}', ['id'], '1'],
    ['{"id":1}', ['\\u0069d'], undefined],
    ['{"x":"\\"id\\":2","id":1}', ['id'], '1'],
    ['{"x":{"id":2},"y":[{"id":3}]}', ['id'], undefined],
    ['{"id":"Grüße 🦊","x":"🦊"}', ['x'], '"🦊"'],
    ['[{"id":1}]', ['id'], undefined],
    ['"id"', ['id'], undefined],
    ['null', ['id'], undefined],
    ['', ['id'], undefined],
    ['{}', ['id'], undefined],
    ['{"id":1}', [], undefined],
    ['{"id":1,}', ['id'], undefined],
    ['{"id":1', ['id'], undefined],
    ['{"id":1]', ['id'], undefined],
    ['{"id":1,"x":nope}', ['id'], undefined],
    ['{"id":1,"x":01}', ['id'], undefined],
    ['{"id":1,"x":"\\u12"}', ['id'], undefined],
    ['{"id":1}\nid: 5\n\n', ['id'], '1'],
  ])('%s at %j is %s', (text, path, found) => {
    expect(slice(text, ...path)).toBe(found);
  });

  it('is nowhere in nesting without end', () => {
    expect(slice(`{"id":1,"x":${'['.repeat(1e6)}`, 'id')).toBeUndefined();
  });
});

/** Whether an object ends before the text does. */
const endsEarly = (text: string): boolean =>
  Array.from({ length: text.length }, (_, end) => end).some((end) => isJson(text.slice(0, end)));

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('a text without a member', () => {
  const without = (text: string, member = 'cache'): string =>
    withoutMember(Buffer.from(text), member).toString();

  it.each([
    ['{"cache":{"ttl":1},"a":1}', '{"a":1}'],
    ['{"a":1.0, "cache":null}', '{"a":1.0}'],
    ['{"a":12345678901234567890,"cache":1,"b":"é"}', '{"a":12345678901234567890,"b":"é"}'],
    ['{"cache":1,"a":2,"c\\u0061che":3}', '{"a":2}'],
    ['{"cache":1}', '{}'],
  ])('has all others as they were written: %s', (text, expected) => {
    expect(without(text)).toBe(expected);
  });

  it.each(['{ "a" : 1.0 }', '{"a":{"cache":1}}', '[{"cache":1}]', '"cache"', '{"cache":', ''])(
    'is the text itself where there is none: %s',
    (text) => {
      expect(without(text)).toBe(text);
    },
  );
});
