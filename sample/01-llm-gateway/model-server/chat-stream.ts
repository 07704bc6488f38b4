import type { ChatCompletion } from './chat-completion.js';
import type { Pace } from './pace.js';

/**
 * The answer as server-sent events in OpenAI's order: the role first, the tokens of all choices
 * side by side, a finish reason per choice, the usage when it was asked for, `[DONE]`.
 */
export async function* toEvents(
  completion: ChatCompletion,
  pace: Pace,
  includeUsage: boolean,
): AsyncGenerator<string> {
  const { id, created, model, choices, usage } = completion;
  const event = (fields: object): string =>
    `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', created, model, ...fields })}\n\n`;
  const delta = (index: number, content: object, finishReason: string | null): string =>
    event({
      choices: [{ index, delta: content, logprobs: null, finish_reason: finishReason }],
      ...(includeUsage ? { usage: null } : {}),
    });

  await pace.firstToken();
  for (const { index } of choices) {
    yield delta(index, { role: 'assistant', content: '', refusal: null }, null);
  }
  const longest = Math.max(...choices.map(({ tokens }) => tokens.length));
  for (let position = 0; position < longest; position++) {
    await pace.tokens(position + 1);
    for (const { index, tokens } of choices) {
      const token = tokens[position];
      if (token !== undefined) yield delta(index, { content: token }, null);
    }
  }
  for (const { index, finishReason } of choices) yield delta(index, {}, finishReason);
  if (includeUsage) yield event({ choices: [], usage });
  yield 'data: [DONE]\n\n';
}
