import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../lib/llm-cache/key/canonical-json.js';
import { anthropicMessages } from '../../../lib/llm-cache/protocols/anthropic-messages.js';
import type { LlmProtocol } from '../../../lib/llm-cache/protocols/llm-protocol.interface.js';
import { openAiChat, openAiText } from '../../../lib/llm-cache/protocols/openai-chat.js';
import { openAiEmbeddings } from '../../../lib/llm-cache/protocols/openai-embeddings.js';
import { openAiResponses } from '../../../lib/llm-cache/protocols/openai-responses.js';
import {
  BETA_MESSAGE_PARAMETERS,
  CHAT_PARAMETERS,
  EMBEDDING_PARAMETERS,
  MESSAGE_PARAMETERS,
  RESPONSE_PARAMETERS,
  TEXT_PARAMETERS,
  type Treatment,
} from './parameters.types.js';

/** What Anthropic's SDK does not know any more, but older models do. */
const FORMER_MESSAGE_PARAMETERS: Readonly<Record<string, Treatment>> = {
  temperature: 'semantic',
  top_k: 'semantic',
  top_p: 'semantic',
};

const BASE = { messages: [{ role: 'user', content: 'Hi' }], input: 'Hi', prompt: 'Hi' };

/** Of most parameters any value will do: the key takes them as they are. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  background: [true],
  conversation: ['conv_1', { id: 'conv_1' }],
  mcp_servers: [[{ type: 'url', url: 'https://mcp.example', name: 'm' }]],
  store: [true, false],
  stream: [true, false],
  stream_options: [{ include_usage: true }, { include_usage: false }],
  system: ['Be brief.', [{ type: 'text', text: 'Be brief.' }]],
  tools: [[{ type: 'function', name: 'f' }], [{ type: 'function', name: 'g' }]],
  web_search_options: [{}, { search_context_size: 'low' }],
};
const valuesOf = (name: string) => VALUES[name] ?? ['one', 2, { a: 'three' }, [4]];

describe.each<[LlmProtocol, Readonly<Record<string, Treatment>>]>([
  [openAiChat, CHAT_PARAMETERS],
  [openAiText, TEXT_PARAMETERS],
  [openAiResponses, RESPONSE_PARAMETERS],
  [openAiEmbeddings, EMBEDDING_PARAMETERS],
  [
    anthropicMessages,
    { ...MESSAGE_PARAMETERS, ...BETA_MESSAGE_PARAMETERS, ...FORMER_MESSAGE_PARAMETERS },
  ],
])('$name', (protocol, treatments) => {
  const textOf = (body: object) => canonicalJson(body, protocol.omitted);

  it.each(Object.entries(treatments))('%s: %s', (name, treatment) => {
    const requests = valuesOf(name).map((value) => ({ ...BASE, [name]: value }));
    const texts = new Set([BASE, ...requests].map(textOf));
    expect(texts).not.toContain(undefined);
    const isBypassed = requests.map((request) => protocol.bypass(request) !== undefined);
    expect(new Set(isBypassed)).toEqual(new Set([treatment === 'bypass']));
    expect(texts.size).toBe(treatment === 'omitted' ? 1 : requests.length + 1);
  });

  it('omits nothing that is not listed', () => {
    const forGateways = [
      'cache',
      'cache_control',
      'prompt_cache_breakpoint',
      // Gateways take the parameters of one API for another.
      ...Object.keys(CHAT_PARAMETERS).filter((name) => treatmentInChat(name) === 'omitted'),
    ];
    for (const name of protocol.omitted.names) {
      expect(forGateways).toContain(name);
      expect([undefined, 'omitted']).toContain(treatments[name]);
    }
  });
});

const treatmentInChat = (name: string): Treatment | undefined =>
  new Map<string, Treatment>(Object.entries(CHAT_PARAMETERS)).get(name);

it('whether the answer has a chunk with its usage counts, how it is padded does not', () => {
  const textOf = (options: object) =>
    canonicalJson({ ...BASE, stream: true, stream_options: options }, openAiChat.omitted);
  expect(textOf({ include_usage: true, include_obfuscation: false })).toBe(
    textOf({ include_usage: true }),
  );
  expect(textOf({ include_usage: true })).not.toBe(textOf({ include_usage: false }));
  expect(textOf({ include_usage: true, one_of_tomorrow: 1 })).not.toBe(
    textOf({ include_usage: true }),
  );
});
