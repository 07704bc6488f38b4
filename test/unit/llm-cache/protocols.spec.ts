import { describe, expect, it } from 'vitest';
import { json } from '../../../lib/llm-cache/protocols/json.js';
import { PROTOCOLS, recogniseProtocol } from '../../../lib/llm-cache/protocols/protocols.js';

const nameOf = (path: string, body: object) => recogniseProtocol(path, { ...body }, []).name;

describe('a request is recognised by path and body', () => {
  it.each([
    ['/v1/chat/completions', { messages: [] }, 'openai-chat'],
    ['/openai/deployments/d/Chat/Completions', { messages: [] }, 'openai-chat'],
    ['/v1/chat/completions/', { messages: [] }, 'openai-chat'],
    ['/v1/chat/completions', { prompt: 'Hi' }, 'json'],
    ['/v1/completions', { prompt: 'Hi' }, 'openai-text'],
    ['/v1/completions', { messages: [] }, 'json'],
    ['/v1/embeddings', { input: 'Hi' }, 'openai-embeddings'],
    ['/v1/embeddings', { text: 'Hi' }, 'json'],
    ['/v1/responses', { input: 'Hi' }, 'openai-responses'],
    ['/v1/responses', { prompt: { id: 'p1' } }, 'openai-responses'],
    ['/v1/responses', { messages: [] }, 'json'],
    ['/v1/messages', { messages: [] }, 'anthropic-messages'],
    ['/v1/threads/t1/messages', { content: 'Hi' }, 'json'],
    ['/v1/messages/count_tokens', { messages: [] }, 'json'],
    ['/v1/responses/r1/cancel', {}, 'json'],
    ['/', {}, 'json'],
    ['', {}, 'json'],
  ])('%s %j', (path, body, name) => {
    expect(nameOf(path, body)).toBe(name);
  });

  it('by a protocol of the user first, which sees the path as all others do', () => {
    const paths: string[] = [];
    const mine = {
      ...json,
      name: 'mine',
      recognises: (path: string) => paths.push(path) > 0,
    };
    expect(recogniseProtocol('/V1/Messages/', { messages: [] }, [mine])).toBe(mine);
    expect(paths).toEqual(['/v1/messages']);
  });

  it('each protocol has a name of its own', () => {
    expect(new Set(PROTOCOLS.map(({ name }) => name)).size).toBe(PROTOCOLS.length);
  });
});

const STRANGE: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  '',
  'Hi',
  [],
  [null],
  {},
  { choices: null },
  { choices: [null, 1, 'a', [], {}] },
  { choices: [{ message: 'Hi', delta: [], finish_reason: {} }] },
  { content: [null, 1], stop_reason: [] },
  { output: [null, 1, { content: [null] }, { content: 'Hi' }], status: 'completed' },
  { type: 'message_start', message: null },
  { type: 'content_block_start', content_block: null },
  { type: 'content_block_delta', delta: [] },
  { type: 'message_delta', delta: 1 },
  { type: 'response.completed', response: [] },
  { tools: [null, 1], messages: 1, input: [null], mcp_servers: {} },
];

describe.each(PROTOCOLS)('$name', (protocol) => {
  it.each(STRANGE.map((value) => [value]))('throws on nothing: %j', (value) => {
    const body = Object(value) as Record<string, unknown>;
    const judge = protocol.judgeStream();
    expect(() => {
      judge.event(undefined, JSON.stringify(value) ?? 'undefined');
      judge.event('error', JSON.stringify(value) ?? '');
      judge.verdict();
      protocol.judge(value);
      protocol.recognises('/v1/chat/completions', body);
      protocol.bypass(body);
      protocol.asksForStream(body);
      protocol.personalFields(body);
    }).not.toThrow();
  });
});
