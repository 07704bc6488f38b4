import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';
import { textOf } from '../model/message-text.js';
import type { AnswerFormat, Prompt } from '../model/prompt.js';
import { toolsToCall, toTools } from '../model/tool.js';
import type { Tool, ToolChoice } from '../model/tool.js';
import { contentOf, missing, wholeNumber } from '../openai/parameters.js';
import { Refusal } from '../refusal.js';

export function chatPrompt(body: Json): Prompt {
  const messages = messagesOf(body);
  const texts = messages.map(({ content }) => textOf(content));
  const limitParam =
    body.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens';
  return {
    texts,
    content: contentOf(body),
    toolsToCall: toolsToCall(toolsOf(body), toolChoiceOf(body), texts.at(-1) ?? '', {
      answersResult: messages.at(-1)?.role === 'tool',
      isParallel: body.parallel_tool_calls !== false,
    }),
    format: formatOf(body),
    thinks: false,
    maxTokens: wholeNumber(body, limitParam, 16_384, 16_384),
  };
}

function messagesOf({ messages }: Json): Json[] {
  if (!Array.isArray(messages)) throw missing('messages');
  if (messages.length === 0) {
    throw new Refusal(
      400,
      "Invalid 'messages': empty array. Expected an array with minimum length 1.",
      'messages',
      'empty_array',
    );
  }
  return messages.map((message: unknown, index) => {
    if (isJsonObject(message) && typeof message.role === 'string') return message;
    throw new Refusal(
      400,
      `Invalid 'messages[${index}]': expected an object with a role.`,
      `messages[${index}]`,
      'invalid_type',
    );
  });
}

function toolsOf({ tools }: Json): Tool[] {
  if (!Array.isArray(tools)) return [];
  return tools.flatMap((tool: unknown) =>
    isJsonObject(tool) ? toTools(tool.function, 'parameters') : [],
  );
}

function toolChoiceOf({ tool_choice: choice }: Json): ToolChoice {
  if (choice === 'none' || choice === 'required') return choice;
  const named = isJsonObject(choice) && isJsonObject(choice.function) && choice.function.name;
  return typeof named === 'string' ? { name: named } : 'auto';
}

function formatOf({ response_format: format }: Json): AnswerFormat {
  if (!isJsonObject(format)) return 'text';
  const { type, json_schema: definition } = format;
  if (type === 'json_object') return 'json';
  if (type !== 'json_schema') return 'text';
  if (isJsonObject(definition) && isJsonObject(definition.schema)) {
    return { schema: definition.schema };
  }
  throw missing('response_format.json_schema');
}
