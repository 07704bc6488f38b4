import { dataEvent } from '../http/event-stream.js';
import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';
import type { Pace } from '../model/pace.js';
import { obfuscation } from '../openai/obfuscation.js';
import type { ChatCompletion, Choice } from './chat-completion.js';

/**
 * The answer as server-sent events in OpenAI's order: the role first, the tokens of all choices
 * side by side, a finish reason per choice, the usage when it was asked for, `[DONE]`.
 */
export async function* toEvents(
  { id, created, model, choices, usage }: ChatCompletion,
  body: Json,
  pace: Pace,
): AsyncGenerator<string> {
  const { stream_options: options } = body;
  const includeUsage = isJsonObject(options) && options.include_usage === true;
  const event = (fields: object): string =>
    dataEvent({
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      service_tier: 'default',
      system_fingerprint: null,
      ...fields,
    });
  const chunk = (index: number, delta: object, finishReason: string | null): string =>
    event({
      choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
      ...(includeUsage ? { usage: null } : {}),
      ...obfuscation(body, JSON.stringify(delta)),
    });

  await pace.firstToken();
  for (const { index, content } of choices) {
    const delta = { role: 'assistant', content: content === null ? null : '', refusal: null };
    yield chunk(index, delta, null);
  }
  const deltas = choices.map(deltasOf);
  const longest = Math.max(...deltas.map(({ length }) => length));
  for (let position = 0; position < longest; position++) {
    await pace.tokens(position + 1);
    for (const { index } of choices) {
      const delta = deltas[index]?.[position];
      if (delta !== undefined) yield chunk(index, delta, null);
    }
  }
  for (const { index, finishReason } of choices) yield chunk(index, {}, finishReason);
  if (includeUsage) yield event({ choices: [], usage, ...obfuscation(body, '') });
  yield 'data: [DONE]\n\n';
}

/** A delta per token; a tool call begins with one that names it. */
function deltasOf({ content, toolCalls }: Choice): object[] {
  const words = (content ?? []).map((token) => ({ content: token }));
  const calls = toolCalls.flatMap(({ id, name, args }, index) => [
    { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] },
    ...args.map((token) => ({ tool_calls: [{ index, function: { arguments: token } }] })),
  ]);
  return [...words, ...calls];
}
