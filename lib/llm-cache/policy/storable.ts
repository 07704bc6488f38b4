import { isJsonObject, type JsonObject } from '../json-object.js';
import { MAX_JSON_DEPTH } from '../key/canonical-json.js';
import { isStreamedAnswer } from './streamed-answer.js';

/** Why an answer is sent but not stored. */
export type UnstorableReason =
  | 'sent'
  | 'status'
  | 'no-value'
  | 'stream'
  | 'not-json'
  | 'error'
  | 'empty'
  | 'unfinished'
  | 'too-large';

/** 201 is what Nest sends for a POST without `@HttpCode()`. */
const STORABLE_STATUSES: ReadonlySet<number> = new Set([200, 201]);

/** Cut, filtered or refused; `null` is an answer that still runs. */
const UNFINISHED_CHAT: ReadonlySet<unknown> = new Set([null, 'length', 'content_filter', 'error']);
const UNFINISHED_MESSAGE: ReadonlySet<unknown> = new Set([
  null,
  'max_tokens',
  'model_context_window_exceeded',
  'pause_turn',
  'refusal',
]);

/** The reason not to store the answer, or `undefined` if it may be stored. */
export function unstorableReason(status: number, value: unknown): UnstorableReason | undefined {
  // Nothing that could be told from a miss.
  if (value === undefined || value === null) return 'no-value';
  if (isStreamedAnswer(value)) return 'stream';
  if (!STORABLE_STATUSES.has(status)) return 'status';
  if (value === '') return 'empty';
  if (!isPlainJson(value, 0)) return 'not-json';
  return isJsonObject(value) ? incompleteReason(value) : undefined;
}

function incompleteReason(answer: JsonObject): UnstorableReason | undefined {
  // A complete Responses answer carries `error: null`.
  if (answer['error'] !== undefined && answer['error'] !== null) return 'error';
  if (Array.isArray(answer['choices'])) return incompleteChoices(answer['choices']);
  if (answer['object'] === 'response') return incompleteResponse(answer);
  if ('stop_reason' in answer) return incompleteMessage(answer);
  return undefined;
}

/** OpenAI chat and text completions. */
function incompleteChoices(choices: readonly unknown[]): UnstorableReason | undefined {
  if (choices.length === 0) return 'empty';
  for (const choice of choices) {
    if (!isJsonObject(choice)) continue;
    if (UNFINISHED_CHAT.has(choice['finish_reason'])) return 'unfinished';
    if (choice['text'] === '') return 'empty';
    const { message } = choice;
    if (!isJsonObject(message)) continue;
    if (!isEmpty(message['refusal'])) return 'unfinished';
    const outputs = ['content', 'tool_calls', 'function_call', 'audio'];
    if (outputs.every((name) => isEmpty(message[name]))) return 'empty';
  }
  return undefined;
}

function incompleteResponse(answer: JsonObject): UnstorableReason | undefined {
  const { output } = answer;
  if (answer['status'] !== 'completed') return 'unfinished';
  if (!Array.isArray(output)) return undefined;
  if (output.length === 0) return 'empty';
  const isRefused = output.some(
    (item) =>
      isJsonObject(item) &&
      Array.isArray(item['content']) &&
      item['content'].some((part) => isJsonObject(part) && part['type'] === 'refusal'),
  );
  return isRefused ? 'unfinished' : undefined;
}

/** Anthropic messages. */
function incompleteMessage(answer: JsonObject): UnstorableReason | undefined {
  if (UNFINISHED_MESSAGE.has(answer['stop_reason'])) return 'unfinished';
  return Array.isArray(answer['content']) && answer['content'].length === 0 ? 'empty' : undefined;
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (Array.isArray(value) && value.length === 0)
  );
}

/**
 * Whether the value survives JSON unchanged. Class instances do not: an outer
 * `ClassSerializerInterceptor` hides their `@Exclude()`d members only while they are instances.
 */
function isPlainJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (depth >= MAX_JSON_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isPlainJson(item, depth + 1));
  if (!isJsonObject(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  // JSON drops undefined members, on the way to the client as well.
  return Object.values(value).every((item) => item === undefined || isPlainJson(item, depth + 1));
}
