import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';
import { textOf } from '../model/message-text.js';
import type { AnswerFormat, Prompt } from '../model/prompt.js';
import { toolsToCall, toTools } from '../model/tool.js';
import type { ToolChoice } from '../model/tool.js';
import { contentOf, missing, wholeNumber } from '../openai/parameters.js';
import { Refusal } from '../refusal.js';

export function responsePrompt(body: Json): Prompt {
  const { previous_response_id: previous, tools, parallel_tool_calls: isParallel } = body;
  if (typeof previous === 'string') {
    throw new Refusal(
      400,
      `Previous response with id '${previous}' not found.`,
      'previous_response_id',
      'previous_response_not_found',
    );
  }
  const items = itemsOf(body);
  const texts = items.map(({ content, output }) => textOf(content ?? output));
  return {
    texts: typeof body.instructions === 'string' ? [body.instructions, ...texts] : texts,
    content: contentOf(body),
    toolsToCall: toolsToCall(
      Array.isArray(tools) ? tools.flatMap((tool) => toTools(tool, 'parameters')) : [],
      toolChoiceOf(body),
      texts.at(-1) ?? '',
      {
        answersResult: items.at(-1)?.type === 'function_call_output',
        isParallel: isParallel !== false,
      },
    ),
    format: formatOf(body),
    thinks: false,
    maxTokens: wholeNumber(body, 'max_output_tokens', 16_384, 16_384),
  };
}

function itemsOf({ input }: Json): Json[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  if (!Array.isArray(input)) throw missing('input');
  return input.map((item: unknown, index) => {
    if (isJsonObject(item)) return item;
    const param = `input[${index}]`;
    throw new Refusal(400, `Invalid '${param}': expected an object.`, param, 'invalid_type');
  });
}

function toolChoiceOf({ tool_choice: choice }: Json): ToolChoice {
  if (choice === 'none' || choice === 'required') return choice;
  return isJsonObject(choice) && typeof choice.name === 'string' ? { name: choice.name } : 'auto';
}

function formatOf({ text }: Json): AnswerFormat {
  const format = isJsonObject(text) ? text.format : undefined;
  if (!isJsonObject(format)) return 'text';
  if (format.type === 'json_object') return 'json';
  if (format.type !== 'json_schema') return 'text';
  if (isJsonObject(format.schema)) return { schema: format.schema };
  throw missing('text.format.schema');
}
