import { isJsonObject, type JsonObject } from '../json-object.js';
import type { UnstorableReason } from '../policy/storable.js';
import { isEmptyOutput, isError, isSet } from './answer-data.js';
import type {
  LlmProtocol,
  PersonalField,
  StreamJudge,
  TokenUsage,
} from './llm-protocol.interface.js';
import { omittedFromLlmRequest } from './prompt-cache-markers.js';
import { OPENAI_OWNERS, takeApart, type RequestShape } from './request-components.js';
import { asksForStream, hasHostedTool, isStateful } from './request-members.js';
import { readStreamEvent } from './stream-event.js';
import { tokenUsage } from './token-usage.js';

const PADDING: PersonalField = { path: ['obfuscation'], kind: 'padding' };

/** In a JSON answer, and in the events that carry a whole response. */
const PERSONAL: readonly PersonalField[] = [
  { path: ['id'], kind: 'id' },
  { path: ['response', 'id'], kind: 'id' },
  { path: ['created_at'], kind: 'time' },
  { path: ['response', 'created_at'], kind: 'time' },
  { path: ['completed_at'], kind: 'time' },
  { path: ['response', 'completed_at'], kind: 'time' },
  PADDING,
];

const SHAPE: RequestShape = {
  owners: new Map([...OPENAI_OWNERS, ['instructions', 'system'], ['input', 'lastMessage']]),
  messages: 'input',
  formatted: 'text',
};

/** OpenAI's Responses. */
export const openAiResponses: LlmProtocol = {
  name: 'openai-responses',
  callTypes: ['responses', 'aresponses'],
  recognises: (path, body) => path.endsWith('/responses') && ('input' in body || 'prompt' in body),
  // The answer repeats who asked for whom, which is no other caller's business; and `store` says
  // whether the answer can be followed up by its id, which must then stay.
  omitted: omittedFromLlmRequest(['cache']),
  bypass: (body) => {
    if (isStateful(body)) return 'stateful';
    const isHosted = hasHostedTool(body['tools']) || addsHostedTool(body['input']);
    return isHosted ? 'hosted-tool' : undefined;
  },
  asksForStream,
  judge: judgeResponse,
  judgeStream: () => new ResponseStreamJudge(),
  usage: usageOfResponse,
  components: (body) => takeApart(body, SHAPE),
  personalFields: (body) => (body['store'] === false ? PERSONAL : [PADDING]),
};

/** Tools may be added in the course of a conversation. */
function addsHostedTool(input: unknown): boolean {
  return (
    Array.isArray(input) &&
    input.some(
      (item) =>
        isJsonObject(item) && item['type'] === 'additional_tools' && hasHostedTool(item['tools']),
    )
  );
}

function judgeResponse(answer: unknown): UnstorableReason | undefined {
  if (!isJsonObject(answer)) return 'not-json';
  if (isError(answer)) return 'error';
  const isWhole = answer['status'] === 'completed' && !isSet(answer['incomplete_details']);
  const output: readonly unknown[] = Array.isArray(answer['output']) ? answer['output'] : [];
  if (!isWhole || output.some(isCut) || output.some(isRefused)) return 'unfinished';
  return output.some(isAnswer) ? undefined : 'empty';
}

const isCut = (item: unknown): boolean =>
  isJsonObject(item) && (item['status'] === 'incomplete' || item['status'] === 'in_progress');

function isRefused(item: unknown): boolean {
  const parts: unknown = isJsonObject(item) ? item['content'] : undefined;
  return (
    Array.isArray(parts) && parts.some((part) => isJsonObject(part) && part['type'] === 'refusal')
  );
}

const isAnswer = (item: unknown): boolean =>
  !isEmptyOutput(isJsonObject(item) && item['type'] === 'message' ? item['content'] : item);

/** @param answer a response, or an event that may carry one */
function usageOfResponse(answer: JsonObject): TokenUsage | undefined {
  const { usage, model } = isJsonObject(answer['response']) ? answer['response'] : answer;
  const { input_tokens: input, output_tokens: output } = isJsonObject(usage) ? usage : {};
  return tokenUsage(input, output, model);
}

/** Everything but the last event is repeated in it; some servers end with `[DONE]` as well. */
class ResponseStreamJudge implements StreamJudge {
  #response: JsonObject | undefined;
  #hasFailed = false;
  #isUnwanted = false;

  event(name: string | undefined, data: string): void {
    const event = readStreamEvent(name, data);
    if (event === 'error') this.#hasFailed = true;
    else if (typeof event === 'object') this.#take(event['type'] ?? name, event);
  }

  verdict(): UnstorableReason | undefined {
    if (this.#hasFailed) return 'error';
    if (this.#response === undefined || this.#isUnwanted) return 'unfinished';
    return judgeResponse(this.#response);
  }

  #take(type: unknown, { response }: JsonObject): void {
    if (type === 'response.failed') this.#hasFailed = true;
    else if (type === 'response.incomplete') this.#isUnwanted = true;
    else if (type === 'response.completed' && isJsonObject(response)) this.#response = response;
  }
}
