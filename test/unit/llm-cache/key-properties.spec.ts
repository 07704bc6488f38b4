import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheKey, type KeyMaterial } from '../../../lib/llm-cache/key/cache-key.js';
import { canonicalJson } from '../../../lib/llm-cache/key/canonical-json.js';
import { json } from '../../../lib/llm-cache/protocols/json.js';
import type { LlmProtocol } from '../../../lib/llm-cache/protocols/llm-protocol.interface.js';
import { openAiEmbeddings } from '../../../lib/llm-cache/protocols/openai-embeddings.js';
import { openAiResponses } from '../../../lib/llm-cache/protocols/openai-responses.js';
import { PROTOCOLS } from '../../../lib/llm-cache/protocols/protocols.js';
import { render, type Json } from './rendered-json.js';

const MATERIAL: Omit<KeyMaterial, 'body'> = {
  namespace: 'cache',
  route: ['POST', '/v1'],
  protocol: 'p',
  principal: 'somebody',
  headers: {},
};

const keyOfBody = (body: string, over: Partial<KeyMaterial> = {}) =>
  cacheKey({ ...MATERIAL, body, ...over });

function keyOf(body: Json, { omitted }: LlmProtocol): string {
  const text = canonicalJson(body, omitted);
  if (text === undefined) throw new Error('Expected a body that has a key.');
  return keyOfBody(text);
}

/** Told by its name when a property fails. */
const protocol = fc.constantFrom(
  ...PROTOCOLS.map((api) => ({ ...api, [fc.toStringMethod]: () => api.name })),
);

/** Names of which none is omitted anywhere, and both of those whose members have an order. */
const name = fc.oneof(
  fc.constantFrom('model', 'messages', 'content', 'tools', 'function', 'parameters', 'temperature'),
  fc.constantFrom('properties', '$defs', 'a', 'B', 'é', '__proto__', '10', '9', 'Model', 'model '),
);
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter(isExact),
  fc.constantFrom(0, -0, 0.1, 1e-7, 0.7),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom(null, true, false),
    number,
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 5 }),
  ),
}));
const body = fc.dictionary(name, value, { minKeys: 1, maxKeys: 6 });

function isExact(candidate: number): boolean {
  return !Number.isInteger(candidate) || Number.isSafeInteger(candidate);
}

describe('two spellings of one request have one key', () => {
  it('whatever the order of its members, its spaces, its numbers and its escapes', () => {
    fc.assert(
      fc.property(body, protocol, fc.integer(), (sent, api, seed) => {
        const again = JSON.parse(render(sent, seed)) as Json;
        expect(keyOf(again, api)).toBe(keyOf(sent, api));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['1', '1.0', '1e0', '10e-1', '0.1E+1'],
    ['0', '-0', '0.0', '0e5'],
    ['0.7', '7e-1', '0.70'],
  ])('%s is %s', (...spellings) => {
    const keys = spellings.map((text) => keyOfBody(canonicalJson(JSON.parse(text)) ?? ''));
    expect(new Set(keys).size).toBe(1);
  });
});

/** All requests that differ in one place. */
function mutants(sent: Json): Json[] {
  const changed = [[sent], { a: sent }];
  if (Array.isArray(sent)) {
    const inner = sent.flatMap((item, at) => mutants(item).map((other) => sent.with(at, other)));
    const shorter = sent.map((_item, at) => sent.toSpliced(at, 1));
    const swapped = sent
      .slice(1)
      .map((item, at) => sent.with(at, item).with(at + 1, sent[at] ?? null));
    return [...changed, ...inner, ...shorter, ...swapped, [...sent, null]];
  }
  if (typeof sent === 'object' && sent !== null) {
    const members = Object.entries(sent);
    const others = members.flatMap(([key, member], at) => [
      ...mutants(member).map((other) => members.with(at, [key, other])),
      members.with(at, [`${key}x`, member]),
      members.toSpliced(at, 1),
    ]);
    return [...changed, ...others.map((list) => Object.fromEntries(list)), { ...sent, new: null }];
  }
  if (typeof sent === 'number') {
    const neighbour = Number.isInteger(sent) ? sent - Math.sign(sent) : sent * (1 + 2 ** -52);
    return [...changed, String(sent), sent === 0 ? 1 : sent / 2, neighbour];
  }
  if (typeof sent === 'string') return [...changed, `${sent} `, `${sent}\u0000`];
  return [...changed, String(sent), sent === null ? false : null];
}

const isSame = (one: Json, other: Json): boolean =>
  // Order counts in some objects; where it does not, a swap is no mutant.
  JSON.stringify(one) === JSON.stringify(other) || (one === 0 && other === 0);

describe('two requests have two keys', () => {
  it('if they differ in any one place', () => {
    fc.assert(
      fc.property(body, protocol, (sent, api) => {
        const key = keyOf(sent, api);
        for (const other of mutants(sent).filter((mutant) => !isSame(mutant, sent))) {
          expect(keyOf(other, api)).not.toBe(key);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('if one has a parameter that nobody knows', () => {
    fc.assert(
      fc.property(body, protocol, fc.string(), value, (sent, api, unknown, anything) => {
        fc.pre(!Object.hasOwn(sent, unknown) && !api.omitted.names.has(unknown));
        const more = { ...sent, [unknown]: anything };
        fc.pre(Object.hasOwn(more, unknown));
        expect(keyOf(more, api)).not.toBe(keyOf(sent, api));
      }),
    );
  });

  it.each(['properties', 'patternProperties', '$defs', 'definitions'])(
    'if the %s of a schema are in another order, or the tools are',
    (map) => {
      const list = fc.uniqueArray(fc.string({ minLength: 1 }).filter(isNoIndex), { minLength: 2 });
      fc.assert(
        fc.property(list, protocol, (names, api) => {
          const schema = (order: readonly string[]) => ({
            [map]: Object.fromEntries(order.map((one) => [one, { type: 'string' }])),
          });
          const tools = (order: readonly string[]) => order.map((one) => ({ name: one }));
          const other = [...names.slice(1), ...names.slice(0, 1)];
          const request = (order: readonly string[], toolOrder: readonly string[]) =>
            keyOf({ text: { schema: schema(order) }, tools: tools(toolOrder) }, api);
          const keys = [
            request(names, names),
            request(other, names),
            request(names, other),
            request(other, other),
          ];
          expect(new Set(keys).size).toBe(4);
        }),
      );
    },
  );
});

/** JavaScript keeps members that are named by a number in the order of the numbers. */
function isNoIndex(text: string): boolean {
  return !/^\d+$/.test(text) && text !== '__proto__';
}

describe('what does not count', () => {
  it('is left out wherever it is to be, and whatever it is', () => {
    fc.assert(
      fc.property(body, protocol, value, (sent, api, anything) => {
        for (const omitted of api.omitted.names) {
          expect(keyOf({ ...sent, [omitted]: anything }, api)).toBe(keyOf(sent, api));
        }
      }),
    );
  });

  it.each(PROTOCOLS.filter(({ name: api }) => api !== 'json'))(
    'is a marker for the prompt cache of the provider: $name',
    (api) => {
      const request = (mark: object) => ({
        system: [{ type: 'text', text: 'a', ...mark }],
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'a', ...mark }], ...mark },
          { role: 'user', content: [{ type: 'tool_result', content: [{ text: 'a', ...mark }] }] },
        ],
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'a', ...mark }] }],
        tools: [{ type: 'function', function: { name: 'f', ...mark }, ...mark }],
        ...mark,
      });
      for (const mark of [
        { cache_control: { type: 'ephemeral' } },
        { prompt_cache_breakpoint: {} },
      ]) {
        expect(keyOf(request(mark), api)).toBe(keyOf(request({}), api));
      }
    },
  );

  it('counts all the same where it is a part of the question', () => {
    fc.assert(
      fc.property(protocol, value, (api, anything) => {
        for (const omitted of [...api.omitted.names, 'metadata']) {
          const request = (over: Record<string, Json>) => ({
            messages: [{ role: 'user', content: [{ type: 'tool_use', input: over }] }],
            tools: [{ name: 'f', input_schema: { properties: over } }],
            text: over,
          });
          expect(keyOf(request({ [omitted]: anything }), api)).not.toBe(keyOf(request({}), api));
        }
      }),
    );
  });

  it('does count on a route that nobody knows', () => {
    const keys = [{}, { user: 'a' }, { user: 'b' }].map((sent) => keyOf(sent, json));
    expect(new Set(keys).size).toBe(3);
  });

  it('is nothing that Responses repeat in their answers, nor whether they can be followed up', () => {
    const sent = [{}, { store: false }, { store: true }, { metadata: { a: 'b' } }, { user: 'bob' }];
    const keys = sent.map((over) => keyOf({ input: 'Hi', ...over }, openAiResponses));
    expect(new Set(keys).size).toBe(sent.length);
  });
});

describe('a number that the parser has rounded', () => {
  const rounded = fc.bigInt({ min: 2n ** 53n, max: 2n ** 1000n });

  it('leaves no key, wherever it is', () => {
    fc.assert(
      fc.property(body, protocol, rounded, fc.boolean(), (sent, api, integer, isNegative) => {
        const literal = `${isNegative ? '-' : ''}${integer}`;
        for (const place of ['NUMBER', '[1,NUMBER]', '{"a":{"b":[NUMBER]}}']) {
          const inside = JSON.parse(place.replace('NUMBER', literal)) as Json;
          expect(canonicalJson({ ...sent, seed: inside }, api.omitted)).toBeUndefined();
        }
      }),
    );
  });

  it('does not matter where nothing counts', () => {
    const sent = JSON.parse('{"input":"Hi","metadata":{"a":9007199254740993}}') as Json;
    expect(canonicalJson(sent, openAiEmbeddings.omitted)).toBe('{"input":"Hi"}');
  });
});

const part = fc.string({ unit: fc.constantFrom(...Array.from('a1:"[],')) });
const material = fc.record<KeyMaterial>({
  namespace: part,
  route: fc.array(part, { maxLength: 2 }),
  protocol: part,
  principal: part,
  partition: fc.option(part, { nil: undefined }),
  headers: fc.record({
    'anthropic-version': fc.option(part, { nil: undefined }),
    'anthropic-beta': fc.option(part, { nil: undefined }),
    'openai-beta': fc.option(part, { nil: undefined }),
  }),
  body: part,
});

describe('the parts of a key', () => {
  it('all count, the principal among them', () => {
    fc.assert(
      fc.property(material, material, (one, other) => {
        for (const which of Object.keys(one) as (keyof KeyMaterial)[]) {
          const changed = { ...one, [which]: other[which] };
          const isEqual = JSON.stringify(changed) === JSON.stringify(one);
          expect(cacheKey(changed) === cacheKey(one)).toBe(isEqual);
        }
        for (const which of Object.keys(one.headers)) {
          const headers = { ...one.headers, [which]: other.headers[which] };
          const isEqual = one.headers[which] === headers[which];
          expect(cacheKey({ ...one, headers }) === cacheKey(one)).toBe(isEqual);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are not merged by writing one behind the other', () => {
    fc.assert(
      fc.property(material, part, (one, tail) => {
        const route = JSON.stringify(one.route);
        const left = { ...one, protocol: `${route}${tail}` };
        const right = { ...one, namespace: `${one.namespace}${route}`, protocol: tail };
        expect(cacheKey(left)).not.toBe(cacheKey(right));

        const principal = JSON.stringify([one.principal, one.partition ?? null]);
        const { headers } = one;
        const names = ['anthropic-beta', 'anthropic-version', 'openai-beta'];
        const between = principal + JSON.stringify(names.map((header) => headers[header] ?? null));
        const early = { ...one, body: `${between}${tail}` };
        const late = { ...one, protocol: `${one.protocol}${between}`, body: tail };
        expect(cacheKey(early)).not.toBe(cacheKey(late));
      }),
    );
  });

  it('are none of the two names that a hash would take for one', () => {
    const [one, other] = ['\ud800', '\udfff'].map((principal) => keyOfBody('{}', { principal }));
    expect(one).not.toBe(other);
  });

  it('are no header that does not change the meaning', () => {
    const headers = { 'x-stainless-retry-count': '1', 'user-agent': 'a', authorization: 'b' };
    expect(keyOfBody('{}', { headers })).toBe(keyOfBody('{}'));
  });
});
