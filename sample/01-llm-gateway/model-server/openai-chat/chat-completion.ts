import { freshId, unixSeconds } from '../fresh-id.js';
import type { Json } from '../json.js';
import { countTokens } from '../model/prompt.js';
import { replyTo } from '../model/reply.js';
import { requireModel, wholeNumber } from '../openai/parameters.js';
import { chatPrompt } from './chat-prompt.js';

export interface Choice {
  readonly index: number;
  /** Tokens; `null` beside tool calls. */
  readonly content: readonly string[] | null;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: 'stop' | 'length' | 'tool_calls';
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** Tokens of the arguments, which are JSON. */
  readonly args: readonly string[];
}

/** One answer of the model, not yet written as JSON or as a stream. */
export interface ChatCompletion {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Choice[];
  /** Of the longest choice: all are made side by side. */
  readonly tokenCount: number;
  readonly usage: Json;
}

/** Answers a chat request: the same content always gets the same text, only ids and `created` are new. */
export function completeChat(body: Json): ChatCompletion {
  const model = requireModel(body);
  const prompt = chatPrompt(body);
  const replies = Array.from({ length: wholeNumber(body, 'n', 1, 8) }, (_, index) =>
    replyTo(prompt, index),
  );
  const counts = replies.map(({ tokenCount }) => tokenCount);
  return {
    id: freshId('chatcmpl-'),
    created: unixSeconds(),
    model,
    choices: replies.map(({ parts, isCut }, index) => {
      const toolCalls = parts.flatMap((part) =>
        part.kind === 'tool-call'
          ? [{ id: freshId('call_'), name: part.name, args: part.tokens }]
          : [],
      );
      return {
        index,
        content: parts.find(({ kind }) => kind === 'text')?.tokens ?? null,
        toolCalls,
        finishReason: isCut ? 'length' : toolCalls.length > 0 ? 'tool_calls' : 'stop',
      };
    }),
    tokenCount: Math.max(...counts),
    usage: usageOf(
      countTokens(prompt),
      counts.reduce((sum, count) => sum + count, 0),
    ),
  };
}

/** The body of a `chat.completion` answer. */
export function toJson({ id, created, model, choices, usage }: ChatCompletion): Json {
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map(({ index, content, toolCalls, finishReason }) => ({
      index,
      message: {
        role: 'assistant',
        content: content?.join('') ?? null,
        ...(toolCalls.length > 0 ? { tool_calls: toolCalls.map(toolCallJson) } : {}),
        refusal: null,
        annotations: [],
      },
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage,
    service_tier: 'default',
    system_fingerprint: null,
  };
}

function toolCallJson({ id, name, args }: ToolCall): Json {
  return { id, type: 'function', function: { name, arguments: args.join('') } };
}

function usageOf(prompt: number, completion: number): Json {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
