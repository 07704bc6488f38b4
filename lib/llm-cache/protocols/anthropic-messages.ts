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
import { takeApart, type RequestShape } from './request-components.js';
import { asksForStream, isStateful } from './request-members.js';
import { readStreamEvent } from './stream-event.js';
import { isTokenCount, tokenUsage } from './token-usage.js';

/** The model came to its own end; it was not cut, paused, filtered or refused. */
const FINISHED: ReadonlySet<unknown> = new Set(['end_turn', 'stop_sequence', 'tool_use']);

/** Run by the provider, with results that change. */
const HOSTED_TOOL = /^(web_search|web_fetch|code_execution|tool_search|advisor)_/;

/** In a JSON answer, and in `message_start`; no other event has any of them. */
const PERSONAL: readonly PersonalField[] = [
  { path: ['id'], kind: 'id' },
  { path: ['message', 'id'], kind: 'id' },
];

const SHAPE: RequestShape = {
  owners: new Map([
    ['model', 'model'],
    ['system', 'system'],
    ['tools', 'tools'],
    ['tool_choice', 'tools'],
    // Its name before it moved into `output_config`.
    ['output_format', 'schema'],
    ['messages', 'lastMessage'],
  ]),
  messages: 'messages',
  formatted: 'output_config',
};

/** Anthropic's Messages. */
export const anthropicMessages: LlmProtocol = {
  name: 'anthropic-messages',
  callTypes: ['anthropic_messages', 'aanthropic_messages'],
  recognises: (path, body) => path.endsWith('/messages') && 'messages' in body,
  omitted: omittedFromLlmRequest(['metadata', 'service_tier', 'user', 'cache']),
  bypass: (body) => {
    if (isStateful(body)) return 'stateful';
    return hasHostedTool(body) ? 'hosted-tool' : undefined;
  },
  asksForStream,
  judge: judgeMessage,
  judgeStream: () => new MessageStreamJudge(),
  usage: usageOfMessage,
  components: (body) => takeApart(body, SHAPE),
  personalFields: () => PERSONAL,
};

function hasHostedTool({ tools, mcp_servers: servers }: JsonObject): boolean {
  if (Array.isArray(servers) && servers.length > 0) return true;
  if (!Array.isArray(tools)) return false;
  return tools.some((tool: unknown) => {
    const type: unknown = isJsonObject(tool) ? tool['type'] : undefined;
    return typeof type === 'string' && HOSTED_TOOL.test(type);
  });
}

function judgeMessage(answer: unknown): UnstorableReason | undefined {
  if (!isJsonObject(answer)) return 'not-json';
  if (isError(answer) || answer['type'] === 'error') return 'error';
  if (!FINISHED.has(answer['stop_reason'])) return 'unfinished';
  const { content } = answer;
  return Array.isArray(content) && !isEmptyOutput(content) ? undefined : 'empty';
}

/**
 * `message_start` carries a message, `message_delta` the tokens of the whole answer so far.
 *
 * @see https://platform.claude.com/docs/en/build-with-claude/streaming
 */
function usageOfMessage({ message, usage, model }: JsonObject): TokenUsage | undefined {
  // The few tokens of output at the start are not those of the answer.
  if (isJsonObject(message)) {
    return tokenUsage(inputOf(message['usage']), undefined, message['model']);
  }
  const { output_tokens: output } = isJsonObject(usage) ? usage : {};
  return tokenUsage(inputOf(usage), output, model);
}

/** `input_tokens` are those that neither came from the provider's prompt cache nor went into it. */
function inputOf(usage: unknown): number | undefined {
  const {
    input_tokens: input,
    cache_read_input_tokens: read,
    cache_creation_input_tokens: written,
  } = isJsonObject(usage) ? usage : {};
  const counts = [input, read ?? 0, written ?? 0];
  return counts.every(isTokenCount) ? counts.reduce((sum, count) => sum + count, 0) : undefined;
}

class MessageStreamJudge implements StreamJudge {
  readonly #open = new Set<unknown>();
  #hasStarted = false;
  #hasFinished = false;
  #hasStopped = false;
  #hasFailed = false;
  #isUnwanted = false;
  #hasOutput = false;

  event(name: string | undefined, data: string): void {
    const event = readStreamEvent(name, data);
    if (event === 'error') this.#hasFailed = true;
    else if (typeof event === 'object' && !this.#hasStopped)
      this.#take(event['type'] ?? name, event);
  }

  verdict(): UnstorableReason | undefined {
    if (this.#hasFailed) return 'error';
    const isWhole = this.#hasStarted && this.#hasFinished && this.#hasStopped;
    if (!isWhole || this.#open.size > 0 || this.#isUnwanted) return 'unfinished';
    return this.#hasOutput ? undefined : 'empty';
  }

  #take(type: unknown, { index, content_block: block, delta }: JsonObject): void {
    switch (type) {
      case 'message_start':
        this.#hasStarted = true;
        break;
      case 'content_block_start':
        this.#open.add(index);
        this.#hasOutput ||= !isEmptyOutput(block);
        break;
      case 'content_block_delta':
        this.#hasOutput ||= isJsonObject(delta) && !isEmptyOutput(delta['text']);
        break;
      case 'content_block_stop':
        this.#open.delete(index);
        break;
      case 'message_delta':
        if (isJsonObject(delta)) this.#finish(delta['stop_reason']);
        break;
      case 'message_stop':
        this.#hasStopped = true;
        break;
      default:
    }
  }

  #finish(stopReason: unknown): void {
    const isWanted = FINISHED.has(stopReason);
    this.#hasFinished ||= isWanted;
    this.#isUnwanted ||= isSet(stopReason) && !isWanted;
  }
}
