import { isJsonObject, parseJson, type JsonObject } from '../json-object.js';
import type { UnstorableReason } from '../policy/storable.js';
import { anthropicMessages } from './anthropic-messages.js';
import { isError } from './answer-data.js';
import type { LlmProtocol, StreamJudge } from './llm-protocol.interface.js';
import { openAiChat } from './openai-chat.js';
import { openAiResponses } from './openai-responses.js';
import { takeApart, type RequestShape } from './request-components.js';
import { asksForStream } from './request-members.js';

const COMPLETIONS: ReadonlySet<unknown> = new Set([
  'chat.completion',
  'chat.completion.chunk',
  'text_completion',
]);

/** As far as the request looks like one to a model. */
const SHAPE: RequestShape = {
  owners: new Map([
    ['model', 'model'],
    ['system', 'system'],
    ['tools', 'tools'],
    ['messages', 'lastMessage'],
  ]),
  messages: 'messages',
};

/**
 * Any POST with a JSON body, on whatever route. Nothing is known of the request, but its answer
 * may look like that of a model, and is judged as one then.
 */
export const json: LlmProtocol = {
  name: 'json',
  callTypes: [],
  recognises: () => true,
  omitted: { names: new Set() },
  bypass: () => undefined,
  asksForStream,
  judge: (answer) => {
    if (answer === '') return 'empty';
    const protocol = protocolOfAnswer(answer);
    if (protocol !== undefined) return protocol.judge(answer);
    return isError(answer) ? 'error' : undefined;
  },
  judgeStream: () => new JsonStreamJudge(),
  usage: (answer) => protocolOfUsage(answer)?.usage?.(answer),
  components: (body) => takeApart(body, SHAPE),
  personalFields: () => [],
};

function protocolOfAnswer(answer: unknown): LlmProtocol | undefined {
  if (!isJsonObject(answer)) return undefined;
  if (isCompletion(answer)) return openAiChat;
  if (answer['object'] === 'response') return openAiResponses;
  return 'stop_reason' in answer ? anthropicMessages : undefined;
}

/** Not the choices of a poll: those have no reason to finish. */
function isCompletion({ object, choices }: JsonObject): boolean {
  if (!Array.isArray(choices)) return false;
  if (COMPLETIONS.has(object)) return true;
  return choices.some((choice) => isJsonObject(choice) && 'finish_reason' in choice);
}

function protocolOfEvent(event: unknown): LlmProtocol | undefined {
  if (!isJsonObject(event)) return undefined;
  const { type } = event;
  if (type === 'message_start') return anthropicMessages;
  if (typeof type === 'string' && type.startsWith('response.')) return openAiResponses;
  return isCompletion(event) ? openAiChat : undefined;
}

function protocolOfUsage(answer: JsonObject): LlmProtocol | undefined {
  // By then a judge has known the stream by its `message_start`.
  if (answer['type'] === 'message_delta') return anthropicMessages;
  return protocolOfAnswer(answer) ?? protocolOfEvent(answer);
}

class JsonStreamJudge implements StreamJudge {
  #judge: StreamJudge | undefined;
  #events = 0;
  #hasFailed = false;

  event(name: string | undefined, data: string): void {
    const event = parseJson(data);
    this.#events += 1;
    this.#hasFailed ||= name === 'error' || isError(event);
    this.#judge ??= protocolOfEvent(event)?.judgeStream();
    this.#judge?.event(name, data);
  }

  verdict(): UnstorableReason | undefined {
    if (this.#hasFailed) return 'error';
    if (this.#judge !== undefined) return this.#judge.verdict();
    return this.#events === 0 ? 'empty' : undefined;
  }
}
