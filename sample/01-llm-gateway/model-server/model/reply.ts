import { answerTo } from './answer.js';
import type { Prompt } from './prompt.js';
import { valueFor } from './schema-value.js';
import { seededRandom } from './seeded-random.js';
import { tokenize } from './tokens.js';

/** A thing that the model says; of a tool call the tokens are the arguments, as JSON text. */
export type Part =
  | { readonly kind: 'thinking' | 'text'; readonly tokens: readonly string[] }
  | { readonly kind: 'tool-call'; readonly name: string; readonly tokens: readonly string[] };

export interface Reply {
  readonly parts: readonly Part[];
  readonly tokenCount: number;
  /** It did not fit the limit of the request. */
  readonly isCut: boolean;
}

/** The same prompt always gets the same reply, and each choice another one. */
export function replyTo(prompt: Prompt, choice = 0): Reply {
  const { content, maxTokens, thinks, toolsToCall } = prompt;
  const thinking: Part[] = thinks
    ? [{ kind: 'thinking', tokens: tokenize(answerTo('the question', 'thinking', content)) }]
    : [];
  const calls = toolsToCall.map(({ name, parameters }): Part => {
    const random = seededRandom('tool', name, content, String(choice));
    // A function may have no parameters at all, and is called with an object even so.
    const value = valueFor({ type: 'object', ...parameters }, random);
    return { kind: 'tool-call', name, tokens: tokenize(JSON.stringify(value)) };
  });
  const words: Part[] =
    calls.length > 0 ? [] : [{ kind: 'text', tokens: tokenize(textFor(prompt, String(choice))) }];
  return withinLimit([...thinking, ...words, ...calls], maxTokens);
}

function textFor({ texts, content, format }: Prompt, choice: string): string {
  if (typeof format === 'object') {
    return JSON.stringify(valueFor(format.schema, seededRandom('schema', content, choice)));
  }
  const answer = answerTo(texts.at(-1) ?? '', content, choice);
  return format === 'json' ? JSON.stringify({ answer }) : answer;
}

function withinLimit(parts: readonly Part[], maxTokens: number): Reply {
  const kept: Part[] = [];
  let left = maxTokens;
  for (const part of parts) {
    const isWhole = part.tokens.length <= left;
    // The arguments of a call are JSON: whole or not at all.
    const tokens = isWhole || part.kind !== 'tool-call' ? part.tokens.slice(0, left) : [];
    if (isWhole || tokens.length > 0) kept.push({ ...part, tokens });
    left -= tokens.length;
    if (!isWhole) return { parts: kept, tokenCount: maxTokens - left, isCut: true };
  }
  return { parts: kept, tokenCount: maxTokens - left, isCut: false };
}
