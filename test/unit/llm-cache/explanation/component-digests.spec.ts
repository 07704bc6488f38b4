import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestDigests } from '../../../../lib/llm-cache/explanation/component-digests.js';
import { canonicalJson } from '../../../../lib/llm-cache/key/canonical-json.js';
import { PROTOCOLS } from '../../../../lib/llm-cache/protocols/protocols.js';
import { render, type Json } from '../rendered-json.js';
import { differenceOf, digest, digestsOf, explained } from './explained.js';

/** Told by its name when a property fails. */
const protocol = fc.constantFrom(
  ...PROTOCOLS.map((api) => ({ ...api, [fc.toStringMethod]: () => api.name })),
);

const MESSAGES = ['system', 'history', 'last message'];
const OPENAI: Readonly<Record<string, readonly string[]>> = {
  model: ['model'],
  tools: ['tools'],
  tool_choice: ['tools'],
  parallel_tool_calls: ['tools'],
  functions: ['tools'],
  function_call: ['tools'],
  response_format: ['schema'],
};

/** The components that a member may change; of all other members they are the parameters. */
const OWNERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'openai-chat': { ...OPENAI, messages: MESSAGES },
  'openai-text': { ...OPENAI, prompt: ['last message'] },
  'openai-embeddings': { ...OPENAI, input: ['last message'] },
  'openai-responses': {
    ...OPENAI,
    instructions: ['system'],
    input: MESSAGES,
    text: ['schema', 'parameters'],
  },
  'anthropic-messages': {
    model: ['model'],
    system: ['system'],
    tools: ['tools'],
    tool_choice: ['tools'],
    output_format: ['schema'],
    output_config: ['schema', 'parameters'],
    messages: MESSAGES,
  },
  json: { model: ['model'], system: ['system'], tools: ['tools'], messages: MESSAGES },
};

const ownersOf = (api: string, name: string): readonly string[] => {
  const owners = new Map(Object.entries(OWNERS[api] ?? {}));
  return owners.get(name) ?? ['parameters'];
};

const name = fc.constantFrom(
  ...new Set(Object.values(OWNERS).flatMap((owners) => Object.keys(owners))),
  'temperature',
  'stream_options',
  'user',
  'cache_control',
  '__proto__',
  'constructor',
  '9',
);

/** Few of each, so that equal ones meet often. */
const message = fc.record({
  role: fc.constantFrom('system', 'developer', 'user', 'assistant'),
  content: fc.constantFrom<Json[]>('a', 'b', [{ type: 'text', text: 'a' }]),
});
const value: fc.Arbitrary<Json> = fc.oneof(
  fc.array(message, { maxLength: 5 }),
  fc.dictionary(fc.constantFrom('format', 'effort', 'properties', '__proto__'), fc.nat(1), {
    maxKeys: 2,
  }),
  fc.constantFrom<Json>(null, false, 0, -0, 'a', [], [0, { role: 'system', content: 'a' }], {}),
);
const body = fc.dictionary(name, value, { maxKeys: 6 });

const canonical = (sent: Json, { omitted }: Pick<(typeof PROTOCOLS)[number], 'omitted'>) =>
  canonicalJson(sent, omitted);

describe('whatever the request', () => {
  it('a change of one member is a change of the components that own it, and of no other', () => {
    fc.assert(
      fc.property(protocol, body, name, value, (api, sent, changed, other) => {
        const after = Object.fromEntries([
          ...Object.entries(sent).filter(([kept]) => kept !== changed),
          [changed, other],
        ]);
        const differs = differenceOf(
          explained(sent, { protocol: api }),
          explained(after, { protocol: api }),
        );
        const owners = ownersOf(api.name, changed);
        expect(differs.filter((component) => !owners.includes(component))).toEqual([]);
        expect(differs.length > 0).toBe(canonical(sent, api) !== canonical(after, api));
      }),
      { numRuns: 3_000 },
    );
  });

  it('components are equal exactly when the canonical requests are', () => {
    const small = fc.dictionary(
      fc.constantFrom('messages', 'input', 'text', 'output_config', 'user'),
      value,
      { maxKeys: 2 },
    );
    let equal = 0;
    fc.assert(
      fc.property(protocol, small, small, (api, one, other) => {
        const isEqual = canonical(one, api) === canonical(other, api);
        const differs = differenceOf(
          explained(one, { protocol: api }),
          explained(other, { protocol: api }),
        );
        expect(differs.length === 0).toBe(isEqual);
        if (isEqual) equal += 1;
      }),
      { numRuns: 5_000 },
    );
    expect(equal).toBeGreaterThan(50);
  });

  it('its spelling does not count', () => {
    fc.assert(
      fc.property(protocol, body, fc.integer(), (api, sent, seed) => {
        const again = JSON.parse(render(sent, seed)) as Record<string, Json>;
        const [one, other] = [sent, again].map((spelt) => explained(spelt, { protocol: api }));
        expect(one && other && differenceOf(one, other)).toEqual([]);
      }),
    );
  });
});

describe('a conversation', () => {
  const talk = fc.array(message, { minLength: 1, maxLength: 6 });
  const conversational = fc.constantFrom(
    ...PROTOCOLS.filter(({ name: api }) => ownersOf(api, 'messages') === MESSAGES),
  );
  const isInstruction = ({ role }: { role: string }) => role === 'system' || role === 'developer';

  it('names the place of the message that differs', () => {
    fc.assert(
      fc.property(conversational, talk, fc.nat(5), (api, messages, place) => {
        const at = place % messages.length;
        const there = messages[at];
        if (there === undefined) throw new Error('Expected a message.');
        const after = messages.with(at, { ...there, content: 'c' });
        const isLast = messages.slice(at + 1).every(isInstruction);
        const expected = isInstruction(there) ? 'system' : isLast ? 'last message' : 'history';
        const differs = differenceOf(
          explained({ messages }, { protocol: api }),
          explained({ messages: after }, { protocol: api }),
        );
        expect(differs).toEqual([expected]);
      }),
    );
  });
});

describe('a digest', () => {
  const request = explained({ model: 'a', messages: [{ role: 'user', content: 'Hi' }] });

  it('is of one principal and one route only', () => {
    const digests = [request, { ...request, principal: 'bob' }, { ...request, route: '/' }].flatMap(
      (one) => [...digestsOf(one).components.values()],
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('of everything but the principal is the same for all of them', () => {
    const { ofAnyPrincipal } = digestsOf(request);
    expect(digestsOf({ ...request, principal: 'bob' }).ofAnyPrincipal).toBe(ofAnyPrincipal);
    for (const other of [
      { ...request, route: '/' },
      { ...request, epoch: '1' },
      { ...request, policy: 'public' },
      { ...request, body: { ...request.body, model: 'b' } },
    ]) {
      expect(digestsOf(other).ofAnyPrincipal).not.toBe(ofAnyPrincipal);
    }
  });

  it('leaves out what the user has left out of the key', () => {
    const omitted = { names: new Set(['seed']) };
    const one = explained({ prompt: 'Hi', seed: 1 }, { omitted });
    expect(differenceOf(one, explained({ prompt: 'Hi' }, { omitted }))).toEqual([]);
    expect(differenceOf(one, explained({ prompt: 'Hi', user: 'a' }, { omitted }))).toEqual([
      'parameters',
    ]);
  });

  it('is of the whole body for a protocol that does not take it apart', () => {
    const one = { ...request, protocol: {} };
    const other = { ...one, body: { ...request.body, model: 'b' } };
    expect(differenceOf(one, other)).toEqual(['parameters']);
  });

  it('is none of a request that has no key', () => {
    expect(requestDigests(explained({ seed: 2 ** 53 }), digest)).toBeUndefined();
  });
});
