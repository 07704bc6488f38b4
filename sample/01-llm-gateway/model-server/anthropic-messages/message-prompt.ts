import type { IncomingHttpHeaders } from 'node:http';
import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';
import { textOf } from '../model/message-text.js';
import type { AnswerFormat, Prompt } from '../model/prompt.js';
import { toolsToCall, toTools } from '../model/tool.js';
import type { ToolChoice } from '../model/tool.js';
import { Refusal } from '../refusal.js';

const MIN_THINKING_TOKENS = 1024;
/** Parameters that say how the answer is delivered, not what it is. */
const DELIVERY = new Set(['stream', 'metadata']);
/** They choose the version of the API and of the model's behaviour. */
const HEADERS = ['anthropic-version', 'anthropic-beta'];

/** Parameters that the API no longer has since this version. */
const REMOVED = { since: '2026-10-21', names: ['temperature', 'top_p', 'top_k'] };

/** Throws a `Refusal` for what the API refuses as well. */
export function messagePrompt(body: Json, headers: IncomingHttpHeaders): Prompt {
  refuseRemoved(body, headers['anthropic-version']);
  const { tools, tool_choice: choice, system } = body;
  const messages = messagesOf(body);
  const texts = messages.map(({ content }) => textOf(content));
  const maxTokens = maxTokensOf(body);
  const parameters = Object.entries(body).filter(([name]) => !DELIVERY.has(name));
  return {
    texts: system === undefined ? texts : [textOf(system), ...texts],
    content: JSON.stringify([parameters, HEADERS.map((name) => headers[name])]),
    toolsToCall: toolsToCall(
      Array.isArray(tools) ? tools.flatMap((tool) => toTools(tool, 'input_schema')) : [],
      toolChoiceOf(choice),
      texts.at(-1) ?? '',
      {
        answersResult: hasToolResult(messages.at(-1)),
        isParallel: !(isJsonObject(choice) && choice.disable_parallel_tool_use === true),
      },
    ),
    format: formatOf(body),
    thinks: thinks(body, maxTokens),
    maxTokens,
  };
}

function refuseRemoved(body: Json, version: unknown): void {
  if (typeof version !== 'string') throw new Refusal(400, 'anthropic-version: header is required');
  const removed = REMOVED.names.find((name) => body[name] !== undefined);
  if (removed !== undefined && version >= REMOVED.since) {
    throw new Refusal(400, `${removed}: Extra inputs are not permitted`);
  }
}

function messagesOf({ messages }: Json): Json[] {
  if (messages === undefined) throw new Refusal(400, 'messages: Field required');
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new Refusal(400, 'messages: at least one message is required');
  }
  return messages.map((message: unknown, index) => {
    if (isJsonObject(message) && typeof message.role === 'string') return message;
    throw new Refusal(400, `messages.${index}.role: Field required`);
  });
}

function maxTokensOf({ max_tokens: maxTokens }: Json): number {
  if (maxTokens === undefined) throw new Refusal(400, 'max_tokens: Field required');
  if (typeof maxTokens === 'number' && Number.isInteger(maxTokens) && maxTokens > 0) {
    return maxTokens;
  }
  throw new Refusal(400, 'max_tokens: Input should be an integer greater than or equal to 1');
}

function thinks({ thinking }: Json, maxTokens: number): boolean {
  if (!isJsonObject(thinking)) return false;
  const { type, budget_tokens: budget } = thinking;
  if (type !== 'enabled') return type === 'adaptive';
  if (typeof budget !== 'number' || budget < MIN_THINKING_TOKENS) {
    throw new Refusal(
      400,
      `thinking.enabled.budget_tokens: Input should be greater than or equal to ${MIN_THINKING_TOKENS}`,
    );
  }
  if (budget >= maxTokens) {
    throw new Refusal(400, '`max_tokens` must be greater than `thinking.budget_tokens`.');
  }
  return true;
}

function toolChoiceOf(choice: unknown): ToolChoice {
  if (!isJsonObject(choice)) return 'auto';
  const { type, name } = choice;
  if (type === 'tool' && typeof name === 'string') return { name };
  if (type === 'any') return 'required';
  return type === 'none' ? 'none' : 'auto';
}

function hasToolResult(message: Json | undefined): boolean {
  const content = message?.content;
  return (
    Array.isArray(content) &&
    content.some((block: unknown) => isJsonObject(block) && block.type === 'tool_result')
  );
}

function formatOf({ output_config: output }: Json): AnswerFormat {
  const format = isJsonObject(output) ? output.format : undefined;
  const isSchema = isJsonObject(format) && format.type === 'json_schema';
  return isSchema && isJsonObject(format.schema) ? { schema: format.schema } : 'text';
}
