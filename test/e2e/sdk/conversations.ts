import { embedMany, generateText, jsonSchema, streamText, tool } from 'ai';
import type { Clients } from './clients.js';

/** One use of a client; returns everything that it told its user. */
export type Conversation = (clients: Clients, question: string) => Promise<unknown>;

const model = 'gpt-4o-mini';
const claude = 'claude-sonnet-4-5';
const embedder = 'text-embedding-3-small';

const PARAMETERS = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const }, days: { type: 'integer' as const } },
  required: ['city', 'days'],
  additionalProperties: false,
};

const CHAT_TOOL = {
  type: 'function',
  function: { name: 'weather', description: 'The weather', parameters: PARAMETERS },
} as const;

const MESSAGE_TOOL = {
  name: 'weather',
  description: 'The weather',
  input_schema: PARAMETERS,
};

const user = (content: string) => ({ role: 'user' as const, content });

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

export const OPENAI: Readonly<Record<string, Conversation>> = {
  'chat completion': ({ openai }, question) =>
    openai.chat.completions.create({ model, messages: [user(question)] }),
  'chat completion, n = 2': ({ openai }, question) =>
    openai.chat.completions.create({ model, n: 2, messages: [user(question)] }),
  'chat stream': async ({ openai }, question) =>
    all(await openai.chat.completions.create({ model, stream: true, messages: [user(question)] })),
  'chat stream, n = 2': async ({ openai }, question) =>
    all(
      await openai.chat.completions.create({
        model,
        n: 2,
        stream: true,
        messages: [user(question)],
      }),
    ),
  'chat stream with usage': async ({ openai }, question) =>
    all(
      await openai.chat.completions.create({
        model,
        stream: true,
        stream_options: { include_usage: true },
        messages: [user(question)],
      }),
    ),
  'chat .stream() helper': ({ openai }, question) =>
    openai.chat.completions.stream({ model, messages: [user(question)] }).finalChatCompletion(),
  'chat tools': ({ openai }, question) =>
    openai.chat.completions.create({
      model,
      tools: [CHAT_TOOL],
      tool_choice: 'required',
      messages: [user(question)],
    }),
  'chat tools, streamed': ({ openai }, question) =>
    openai.chat.completions
      .stream({
        model,
        tools: [CHAT_TOOL],
        tool_choice: 'required',
        messages: [user(question)],
      })
      .finalChatCompletion(),
  'chat with a JSON schema': ({ openai }, question) =>
    openai.chat.completions.parse({
      model,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'trip', strict: true, schema: PARAMETERS },
      },
      messages: [user(question)],
    }),
  response: ({ openai }, input) => openai.responses.create({ model, input }),
  'response that is not kept': ({ openai }, input) =>
    openai.responses.create({ model, input, store: false }),
  'response stream': async ({ openai }, input) =>
    all(await openai.responses.create({ model, input, stream: true })),
  'response .stream() helper': ({ openai }, input) =>
    openai.responses.stream({ model, input, store: false }).finalResponse(),
  'response tools, streamed': ({ openai }, input) =>
    openai.responses
      .stream({
        model,
        input,
        tools: [{ type: 'function', name: 'weather', parameters: PARAMETERS, strict: true }],
        tool_choice: 'required',
      })
      .finalResponse(),
  'embeddings, the default': ({ openai }, input) =>
    openai.embeddings.create({ model: embedder, input: [input, 'and'] }),
  'embeddings as float': ({ openai }, input) =>
    openai.embeddings.create({ model: embedder, input: [input, 'or'], encoding_format: 'float' }),
  'embeddings as base64': ({ openai }, input) =>
    openai.embeddings.create({ model: embedder, input, dimensions: 8, encoding_format: 'base64' }),
};

export const ANTHROPIC: Readonly<Record<string, Conversation>> = {
  message: ({ anthropic }, question) =>
    anthropic.messages.create({ model: claude, max_tokens: 500, messages: [user(question)] }),
  'message stream': async ({ anthropic }, question) =>
    all(
      await anthropic.messages.create({
        model: claude,
        max_tokens: 500,
        stream: true,
        messages: [user(question)],
      }),
    ),
  'message .stream() helper': ({ anthropic }, question) =>
    anthropic.messages
      .stream({ model: claude, max_tokens: 500, messages: [user(question)] })
      .finalMessage(),
  'tool use': ({ anthropic }, question) =>
    anthropic.messages.create({
      model: claude,
      max_tokens: 500,
      tools: [MESSAGE_TOOL],
      tool_choice: { type: 'any' },
      messages: [user(question)],
    }),
  'tool use, streamed': ({ anthropic }, question) =>
    anthropic.messages
      .stream({
        model: claude,
        max_tokens: 500,
        tools: [MESSAGE_TOOL],
        tool_choice: { type: 'any' },
        messages: [user(question)],
      })
      .finalMessage(),
  'thinking, streamed': ({ anthropic }, question) =>
    anthropic.messages
      .stream({
        model: claude,
        max_tokens: 2_000,
        thinking: { type: 'enabled', budget_tokens: 1_024 },
        messages: [user(question)],
      })
      .finalMessage(),
};

const aiTools = {
  weather: tool<object, unknown>({
    description: 'The weather',
    inputSchema: jsonSchema<object>(PARAMETERS),
    execute: async () => 'sunny',
  }),
};

/** What the user of `streamText` can see: every part, and the promises beside them. */
async function streamed(result: ReturnType<typeof streamText>): Promise<unknown> {
  const parts = await all(result.fullStream);
  return { parts, text: await result.text, usage: await result.usage };
}

interface Generated {
  readonly text: string;
  readonly usage: unknown;
  readonly finishReason: string;
  readonly toolCalls: unknown;
}

async function generated(result: PromiseLike<Generated>): Promise<Generated> {
  const { text, usage, finishReason, toolCalls } = await result;
  return { text, usage, finishReason, toolCalls };
}

export const AI_SDK: Readonly<Record<string, Conversation>> = {
  'generateText, OpenAI chat': ({ aiOpenai }, prompt) =>
    generated(generateText({ model: aiOpenai.chat(model), prompt, maxRetries: 0 })),
  'generateText, OpenAI responses': ({ aiOpenai }, prompt) =>
    generated(generateText({ model: aiOpenai.responses(model), prompt, maxRetries: 0 })),
  'generateText with tools, OpenAI chat': ({ aiOpenai }, prompt) =>
    generated(
      generateText({
        model: aiOpenai.chat(model),
        prompt,
        maxRetries: 0,
        tools: aiTools,
        toolChoice: 'required',
      }),
    ),
  'generateText, Anthropic': ({ aiAnthropic }, prompt) =>
    generated(generateText({ model: aiAnthropic(claude), prompt, maxRetries: 0 })),
  'streamText, OpenAI chat': ({ aiOpenai }, prompt) =>
    streamed(streamText({ model: aiOpenai.chat(model), prompt, maxRetries: 0 })),
  'streamText, OpenAI responses': ({ aiOpenai }, prompt) =>
    streamed(streamText({ model: aiOpenai.responses(model), prompt, maxRetries: 0 })),
  'streamText, Anthropic': ({ aiAnthropic }, prompt) =>
    streamed(streamText({ model: aiAnthropic(claude), prompt, maxRetries: 0 })),
  embedMany: async ({ aiOpenai }, value) => {
    const { embeddings, usage } = await embedMany({
      model: aiOpenai.embedding(embedder),
      values: [value, 'one', value, 'two'],
      maxRetries: 0,
    });
    return { embeddings, usage };
  },
};

export const LANGCHAIN: Readonly<Record<string, Conversation>> = {
  invoke: ({ langchain }, question) => langchain.invoke(question),
  stream: async ({ langchain }, question) => all(await langchain.stream(question)),
};
