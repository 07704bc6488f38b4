import { randomUUID } from 'node:crypto';
import { answerTo } from './answer.js';
import { isJsonObject } from './json-http.js';
import type { Json } from './json-http.js';
import { OpenAiError, requireModel, wholeNumber } from './open-ai-error.js';
import { tokenize } from './tokens.js';

interface Choice {
  readonly index: number;
  readonly tokens: readonly string[];
  readonly finishReason: 'stop' | 'length';
}

/** One answer of the model, not yet written as JSON or as a stream. */
export interface ChatCompletion {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Choice[];
  readonly usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
}

/** Parameters that say how the answer is delivered, not what it is. */
const DELIVERY = new Set(['stream', 'stream_options', 'user', 'metadata', 'store']);

/** Answers a chat request: the same content always gets the same text, only `id` and `created` are new. */
export function completeChat(body: Json): ChatCompletion {
  const model = requireModel(body);
  const texts = messageTexts(body);
  const question = texts.at(-1) ?? '';
  const content = JSON.stringify(Object.entries(body).filter(([name]) => !DELIVERY.has(name)));
  const limitParam =
    body.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens';
  const limit = wholeNumber(body, limitParam, 16_384, 16_384);

  const choices = Array.from({ length: wholeNumber(body, 'n', 1, 8) }, (_, index): Choice => {
    const tokens = tokenize(answerTo(question, content, String(index)));
    return {
      index,
      tokens: tokens.slice(0, limit),
      finishReason: tokens.length > limit ? 'length' : 'stop',
    };
  });
  const prompt = texts.reduce((sum, text) => sum + 4 + tokenize(text).length, 3);
  const completion = choices.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model,
    choices,
    usage: {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    },
  };
}

/** The body of a `chat.completion` answer. */
export function toJson({ id, created, model, choices, usage }: ChatCompletion): Json {
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map(({ index, tokens, finishReason }) => ({
      index,
      message: { role: 'assistant', content: tokens.join(''), refusal: null },
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage,
  };
}

function messageTexts({ messages }: Json): string[] {
  if (!Array.isArray(messages)) {
    throw new OpenAiError(
      400,
      "Missing required parameter: 'messages'.",
      'messages',
      'missing_required_parameter',
    );
  }
  if (messages.length === 0) {
    throw new OpenAiError(
      400,
      "Invalid 'messages': empty array. Expected an array with minimum length 1.",
      'messages',
      'empty_array',
    );
  }
  return messages.map((message: unknown, index) => {
    if (!isJsonObject(message) || typeof message.role !== 'string') {
      throw new OpenAiError(
        400,
        `Invalid 'messages[${index}]': expected an object with a role.`,
        `messages[${index}]`,
        'invalid_type',
      );
    }
    return textOf(message.content);
  });
}

/** The text of a message's content, a string or a list of parts; images and audio have none. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => (isJsonObject(part) && typeof part.text === 'string' ? part.text : ''))
    .join('\n');
}
