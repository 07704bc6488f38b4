import { describe, expect, it } from 'vitest';
import { nearestOf } from '../../../../lib/llm-cache/explanation/difference.js';
import type { JsonObject } from '../../../../lib/llm-cache/json-object.js';
import { PROTOCOLS } from '../../../../lib/llm-cache/protocols/protocols.js';
import { digestsOf, differenceOf, explained } from './explained.js';

const HI = { role: 'user', content: 'Hi' };
const HELLO = { role: 'assistant', content: 'Hello' };
const BYE = { role: 'user', content: 'Bye' };
const BRIEF = { role: 'system', content: 'Be brief.' };
const POLITE = { role: 'developer', content: 'Be polite.' };
const ADD = { type: 'function', function: { name: 'add' } };
const RED = { type: 'image_url', image_url: { url: 'data:image/png;base64,cmVk' } };
const BLUE = { type: 'image_url', image_url: { url: 'data:image/png;base64,Ymx1ZQ' } };
const MARK = { cache_control: { type: 'ephemeral' } };

type Pair = readonly [what: string, before: JsonObject, after: JsonObject, ...differs: string[]];

const PAIRS: Readonly<Record<string, readonly Pair[]>> = {
  'openai-chat': [
    ['another model', { model: 'a', messages: [HI] }, { model: 'b', messages: [HI] }, 'model'],
    ['an instruction', { messages: [HI] }, { messages: [BRIEF, HI] }, 'system'],
    ['its role', { messages: [{ ...BRIEF, role: 'developer' }] }, { messages: [BRIEF] }, 'system'],
    ['its place', { messages: [BRIEF, HI, BYE] }, { messages: [HI, BRIEF, BYE] }, 'system'],
    ['a tool', { messages: [HI], tools: [ADD] }, { messages: [HI], tools: [ADD, ADD] }, 'tools'],
    ['the choice of a tool', { tool_choice: 'auto' }, { tool_choice: 'none' }, 'tools'],
    ['an old function', { functions: [{ name: 'a' }] }, { functions: [{ name: 'b' }] }, 'tools'],
    ['a schema', { response_format: { type: 'text' } }, {}, 'schema'],
    ['a parameter', { temperature: 0 }, { temperature: 0.1 }, 'parameters'],
    ['one that nobody knows', {}, { reasoning_effort: 'low' }, 'parameters'],
    ['the question', { messages: [HI] }, { messages: [BYE] }, 'last message'],
    [
      'its image',
      { messages: [{ role: 'user', content: [RED] }] },
      { messages: [{ role: 'user', content: [BLUE] }] },
      'last message',
    ],
    [
      'what was said before',
      { messages: [BRIEF, HI, HELLO, BYE] },
      { messages: [BRIEF, BYE, HELLO, BYE] },
      'history',
    ],
    [
      'one turn more',
      { messages: [BRIEF, HI] },
      { messages: [BRIEF, HI, HELLO, BYE] },
      'history',
      'last message',
    ],
    ['another user', { messages: [HI], user: 'a' }, { messages: [HI], user: 'b' }],
    ['the spelling', { a: 0, messages: [HI] }, { messages: [{ ...HI }], a: -0 }],
  ],
  'openai-text': [
    ['the prompt', { prompt: 'Hi' }, { prompt: 'Bye' }, 'last message'],
    ['a list of prompts', { prompt: ['Hi', 'Bye'] }, { prompt: ['Bye', 'Bye'] }, 'last message'],
    ['what comes behind', { prompt: 'Hi' }, { prompt: 'Hi', suffix: '.' }, 'parameters'],
  ],
  'openai-embeddings': [
    ['an input', { input: ['Hi', 'Bye'] }, { input: ['Hi', 'Hi'] }, 'last message'],
    ['the model', { input: 'Hi', model: 'a' }, { input: 'Hi', model: 'b' }, 'model'],
    ['a dimension', { input: 'Hi' }, { input: 'Hi', dimensions: 256 }, 'parameters'],
  ],
  'openai-responses': [
    ['an instruction', { input: 'Hi', instructions: 'a' }, { input: 'Hi' }, 'system'],
    ['one in the input', { input: [POLITE, HI] }, { input: [BRIEF, HI] }, 'system'],
    ['the question', { input: 'Hi' }, { input: 'Bye' }, 'last message'],
    ['its form', { input: 'Hi' }, { input: ['Hi'] }, 'last message'],
    ['the history', { input: [HI, HELLO, HI] }, { input: [BYE, HELLO, HI] }, 'history'],
    ['a schema', { text: { format: { type: 'text' } } }, {}, 'schema'],
    [
      'how much it says',
      { text: { format: { type: 'text' }, verbosity: 'low' } },
      { text: { format: { type: 'text' }, verbosity: 'high' } },
      'parameters',
    ],
    ['a template', { prompt: { id: 'a' } }, { prompt: { id: 'b' } }, 'parameters'],
  ],
  'anthropic-messages': [
    ['the system', { system: 'a', messages: [HI] }, { system: 'b', messages: [HI] }, 'system'],
    ['a tool', { tools: [{ name: 'a' }] }, { tools: [{ name: 'b' }] }, 'tools'],
    [
      'a schema',
      { output_config: { format: { type: 'json_schema' }, effort: 'low' } },
      { output_config: { effort: 'low' } },
      'schema',
    ],
    ['an effort', { output_config: { effort: 'low' } }, {}, 'parameters'],
    ['a marker', { messages: [{ ...HI, ...MARK }] }, { messages: [HI] }],
    [
      'model, limit and question',
      { model: 'a', max_tokens: 1, messages: [HI, HELLO, HI] },
      { model: 'b', max_tokens: 2, messages: [HI, HELLO, BYE] },
      'model',
      'parameters',
      'last message',
    ],
  ],
  json: [
    ['anything', { riddle: 'a' }, { riddle: 'b' }, 'parameters'],
    ['a user', { riddle: 'a', user: 'a' }, { riddle: 'a', user: 'b' }, 'parameters'],
    ['a model', { model: 'a' }, { model: 'b' }, 'model'],
    ['a message', { messages: [HI] }, { messages: [BRIEF, BYE] }, 'system', 'last message'],
    ['messages that are no list', { messages: 'Hi' }, { messages: ['Hi'] }, 'last message'],
  ],
};

it('there are pairs for every protocol', () => {
  expect(Object.keys(PAIRS).toSorted()).toEqual(PROTOCOLS.map(({ name }) => name).toSorted());
});

describe.each(PROTOCOLS)('$name', (protocol) => {
  const pairs = PAIRS[protocol.name] ?? [];
  it.each(pairs.map(([what, before, after, ...differs]) => ({ what, before, after, differs })))(
    '$what',
    ({ before, after, differs }) => {
      const [one, other] = [explained(before, { protocol }), explained(after, { protocol })];
      expect(differenceOf(one, other)).toEqual(differs);
      expect(differenceOf(other, one)).toEqual(differs);
    },
  );

  it('names what is around the request', () => {
    const one = explained({ messages: [HI] }, { protocol });
    expect(differenceOf(one, { ...one, epoch: '1' })).toEqual(['epoch']);
    expect(differenceOf(one, { ...one, policy: 'public' })).toEqual(['policy']);
  });
});

describe('the nearest entry', () => {
  const entry = (body: JsonObject, storedAtMs: number) => ({
    digests: digestsOf(explained(body)).components,
    storedAtMs,
  });
  const wanted = digestsOf(explained({ model: 'a', messages: [HI] })).components;

  it('has the fewest differences, however old it is', () => {
    const entries = [
      entry({ model: 'b', messages: [BYE] }, 3_000),
      entry({ model: 'b', messages: [HI] }, 1_000),
    ];
    expect(nearestOf(wanted, entries)).toEqual({ differs: ['model'], storedAtMs: 1_000 });
  });

  it('is the newest of those that differ as much', () => {
    const entries = [
      entry({ model: 'b', messages: [HI] }, 1_000),
      entry({ model: 'a', messages: [BYE] }, 3_000),
      entry({ model: 'c', messages: [HI] }, 2_000),
    ];
    expect(nearestOf(wanted, entries)).toEqual({ differs: ['last message'], storedAtMs: 3_000 });
  });

  it('may differ in nothing', () => {
    const entries = [
      entry({ messages: [HI] }, 2_000),
      entry({ messages: [HI], model: 'a' }, 1_000),
    ];
    expect(nearestOf(wanted, entries)).toEqual({ differs: [], storedAtMs: 1_000 });
  });

  it('is none of those that have nothing in common, like the ones made with another secret', () => {
    const foreign = new Map([...wanted].map(([name, text]) => [name, `${text}x`]));
    expect(nearestOf(wanted, [{ digests: foreign, storedAtMs: 1_000 }])).toBeUndefined();
    expect(nearestOf(wanted, [])).toBeUndefined();
  });
});
