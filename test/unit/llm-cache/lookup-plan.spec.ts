import { describe, expect, it } from 'vitest';
import { planLookup, type LlmRequest } from '../../../lib/llm-cache/lookup-plan.js';
import { DEFAULT_CACHE } from '../../../lib/options/azure-redis-options.defaults.js';

const OPTIONS = DEFAULT_CACHE;

/** Nothing has been invalidated. */
const EPOCH = { text: 'base:0', version: 0, isFresh: true };
const NO_EPOCHS = { epochOf: async () => EPOCH, current: () => EPOCH };

const CHAT = { model: 'gpt', messages: [{ role: 'user', content: 'Hi' }] };

function request(overrides: Partial<LlmRequest> = {}): LlmRequest {
  const path = overrides.path ?? '/v1/chat/completions';
  return {
    path,
    route: ['POST', path],
    body: CHAT,
    ...overrides,
    headers: { 'content-type': 'application/json', ...overrides.headers },
  };
}

/** The key, or why there is none. */
async function plan(
  overrides: Partial<LlmRequest> = {},
  options: Parameters<typeof planLookup>[1] = OPTIONS,
  principal = 'someone',
) {
  const parties = async () => ({ principal, tags: [] });
  const found = await planLookup(request(overrides), options, [], NO_EPOCHS, parties);
  return 'bypass' in found ? found : { key: found.key };
}

describe('what does not change the key of an LLM request', () => {
  it.each([
    ['user', { user: 'bob' }],
    ['safety_identifier', { safety_identifier: 'bob' }],
    ['metadata', { metadata: { trace: '1' } }],
    ['prompt_cache_key', { prompt_cache_key: 'k' }],
    ['prompt_cache_retention', { prompt_cache_retention: '24h' }],
    ['prompt_cache_options', { prompt_cache_options: { ttl: '30m' } }],
    ['service_tier', { service_tier: 'flex' }],
    ['store', { store: true }],
    ["LiteLLM's cache", { cache: { namespace: 'theirs', 'no-cache': true } }],
    ['a cache_control marker of the request', { cache_control: { type: 'ephemeral' } }],
    [
      'a cache_control marker of a message',
      { messages: [{ role: 'user', content: 'Hi', cache_control: { type: 'ephemeral' } }] },
    ],
  ])('%s', async (_what, extra) => {
    expect(await plan({ body: { ...CHAT, ...extra } })).toEqual(await plan());
  });

  it('cache_control markers in every kind of block', async () => {
    const body = (marker: object) => ({
      model: 'claude',
      system: [{ type: 'text', text: 'Be kind', ...marker }],
      tools: [{ name: 't', input_schema: { type: 'object' }, ...marker }],
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hi', ...marker },
            { type: 'tool_result', content: [{ type: 'text', text: 'ok', ...marker }], ...marker },
          ],
        },
      ],
    });
    const path = '/v1/messages';
    const marked = await plan({ path, body: body({ cache_control: { type: 'ephemeral' } }) });
    expect(marked).toEqual(await plan({ path, body: body({}) }));
  });

  it.each([
    ['x-stainless-retry-count', '1'],
    ['x-request-id', 'r1'],
    ['user-agent', 'test'],
    ['traceparent', '00-1-1-01'],
  ])('the header %s', async (name, value) => {
    expect(await plan({ headers: { [name]: value } })).toEqual(await plan());
  });
});

describe('what changes the key', () => {
  it.each([
    ['a parameter nobody knows', { num_ctx: 4096 }],
    ['the temperature', { temperature: 0 }],
    ['the model', { model: 'gpt-2' }],
    ['whether it is streamed', { stream: true }],
    ['whether usage is told', { stream_options: { include_usage: true } }],
    ['a tool', { tools: [{ type: 'function', function: { name: 'f' } }] }],
    ['the content of a message', { messages: [{ role: 'user', content: 'Ho' }] }],
    ['the metadata inside a message', { messages: [{ ...CHAT.messages[0], metadata: 1 }] }],
    [
      'a schema property called cache_control',
      { tools: [{ input_schema: { properties: { cache_control: { type: 'string' } } } }] },
    ],
  ])('%s', async (_what, extra) => {
    expect(await plan({ body: { ...CHAT, ...extra } })).not.toEqual(await plan());
  });

  it.each([
    ['anthropic-version', '2023-06-01'],
    ['anthropic-beta', 'context-1m'],
    ['openai-beta', 'assistants=v2'],
  ])('the header %s', async (name, value) => {
    expect(await plan({ headers: { [name]: value } })).not.toEqual(await plan());
  });

  it('the route, the namespace and the principal', async () => {
    const plans = await Promise.all([
      plan(),
      plan({ route: ['POST', '/v2/chat/completions'] }),
      plan({}, { ...OPTIONS, namespace: 'other' }),
      plan({}, OPTIONS, 'someone-else'),
    ]);
    expect(new Set(plans.map((found) => JSON.stringify(found))).size).toBe(plans.length);
  });

  it('each part for itself: nothing moves between neighbours', async () => {
    const plans = await Promise.all([
      plan({ route: ['a', 'bc'] }, { ...OPTIONS, namespace: 'n' }, 'p'),
      plan({ route: ['ab', 'c'] }, { ...OPTIONS, namespace: 'n' }, 'p'),
      plan({ route: ['a', 'b', 'c'] }, { ...OPTIONS, namespace: 'n' }, 'p'),
      plan({ route: ['bc'] }, { ...OPTIONS, namespace: 'na' }, 'p'),
      plan({ headers: { 'anthropic-beta': 'a,b' } }),
      plan({ headers: { 'anthropic-beta': 'a', 'anthropic-version': 'b' } }),
      plan({ headers: { 'anthropic-version': 'a', 'openai-beta': 'b' } }),
    ]);
    expect(new Set(plans.map((found) => JSON.stringify(found))).size).toBe(plans.length);
  });

  it('every field where the request is no known LLM request: it may be the question', async () => {
    const path = '/profile/summary';
    const summary = (user: string) => plan({ path, body: { user, metadata: {} } });
    expect(await summary('alice')).not.toEqual(await summary('bob'));

    const note = (user: string) => plan({ path: '/team/messages', body: { user, text: 'Hi' } });
    expect(await note('alice')).not.toEqual(await note('bob'));
  });
});

describe('what is not looked up', () => {
  it.each([
    ['the body is a form', { headers: { 'content-type': 'multipart/form-data' } }, 'not-json'],
    [
      'the media type only looks like JSON',
      { headers: { 'content-type': 'text/jsonp' } },
      'not-json',
    ],
    ['there is no body', { body: undefined }, 'not-json'],
    ['an integer was rounded', { body: { ...CHAT, seed: 2 ** 53 } }, 'key'],
    ['the body was not parsed', { body: Buffer.from('{}') }, 'key'],
    ['the provider runs in the background', { body: { ...CHAT, background: true } }, 'stateful'],
    ['the provider keeps the conversation', { body: { ...CHAT, conversation: 'c1' } }, 'stateful'],
    [
      'the provider searches the web',
      { path: '/v1/responses', body: { input: 'Hi', tools: [{ type: 'web_search' }] } },
      'hosted-tool',
    ],
    [
      'the answer follows a stored one',
      { path: '/v1/responses', body: { input: 'Hi', previous_response_id: 'r1' } },
      'stateful',
    ],
  ])('%s', async (_what, overrides, reason) => {
    expect(await plan(overrides)).toEqual({ bypass: reason });
  });

  it('a request whose principal is unknown', async () => {
    expect(await planLookup(request(), OPTIONS, [], NO_EPOCHS, async () => 'scope')).toEqual({
      bypass: 'scope',
    });
  });

  it('anything while the mode is default_off', async () => {
    expect(await plan({}, { ...OPTIONS, mode: 'default_off' })).toEqual({ bypass: 'default-off' });
  });

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON',
    'application/vnd.api+json',
  ])('but %s is JSON', async (contentType) => {
    expect(await plan({ headers: { 'content-type': contentType } })).toHaveProperty('key');
  });

  it('nothing else than LLM requests is held to be stateful', async () => {
    const body = { background: 'blue', conversation: 'small talk' };
    expect(await plan({ path: '/paint', body })).toHaveProperty('key');
  });
});

describe('supportedCallTypes', () => {
  const routes: readonly [path: string, body: object, types: readonly string[]][] = [
    ['/v1/chat/completions', CHAT, ['completion', 'acompletion']],
    ['/v1/completions', { prompt: 'Hi' }, ['text_completion', 'atext_completion']],
    ['/v1/embeddings', { input: 'Hi' }, ['embedding', 'aembedding']],
    ['/v1/responses', { input: 'Hi' }, ['responses', 'aresponses']],
    ['/v1/messages', CHAT, ['anthropic_messages', 'aanthropic_messages']],
  ];
  const cases = routes.flatMap(([path, body, types]) =>
    types.map((type) => ({ path, body, type })),
  );

  it.each(cases)('$type allows $path and no other LLM route', async ({ path, body, type }) => {
    const options = { ...OPTIONS, supportedCallTypes: [type] };
    expect(await plan({ path, body }, options)).toHaveProperty('key');
    for (const [otherPath, otherBody, types] of routes) {
      if (types.includes(type)) continue;
      expect(await plan({ path: otherPath, body: otherBody }, options)).toEqual({
        bypass: 'call-type',
      });
    }
  });

  it('recognises a route whatever its prefix, case and closing slash', async () => {
    const options = { ...OPTIONS, supportedCallTypes: ['aembedding'] };
    for (const path of ['/openai/deployments/d/Chat/Completions', '/chat/completions/']) {
      expect(await plan({ path }, options)).toEqual({ bypass: 'call-type' });
    }
  });

  it('leaves unknown routes alone, unless the list is empty', async () => {
    const unknown = { path: '/summarise', body: { text: 'Hi' } };
    expect(await plan(unknown, { ...OPTIONS, supportedCallTypes: ['aembedding'] })).toHaveProperty(
      'key',
    );
    expect(await plan(unknown, { ...OPTIONS, supportedCallTypes: [] })).toEqual({
      bypass: 'call-type',
    });
  });
});

it('the key is a SHA-256, nothing of the request', async () => {
  const found = await plan();
  expect(found).toEqual({ key: expect.stringMatching(/^[\w-]{43}$/) });
});
