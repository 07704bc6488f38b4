import type { ApiRequest } from '../api.js';
import { freshId } from '../fresh-id.js';
import type { Json } from '../json.js';
import { countTokens } from '../model/prompt.js';
import { replyTo } from '../model/reply.js';
import type { Reply } from '../model/reply.js';
import { Refusal } from '../refusal.js';
import { toContentBlock } from './content-block.js';
import type { ContentBlock } from './content-block.js';
import { messagePrompt } from './message-prompt.js';

/** One answer of the model, not yet written as JSON or as a stream. */
export interface Message {
  readonly blocks: readonly ContentBlock[];
  readonly tokenCount: number;
  /** The message before its first token. */
  readonly begun: Json;
  readonly done: Json;
  /** What has become known with the last token. */
  readonly ending: { readonly delta: Json; readonly usage: Json };
}

export function reply({ body, headers }: ApiRequest): Message {
  if (typeof body.model !== 'string') throw new Refusal(400, 'model: Field required');
  const prompt = messagePrompt(body, headers);
  const answer = replyTo(prompt);
  const blocks = answer.parts.map(toContentBlock);
  const ending = { stop_reason: stopReason(answer), stop_sequence: null, stop_details: null };
  const counts = {
    input_tokens: countTokens(prompt),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  };
  const thinking = answer.parts.find(({ kind }) => kind === 'thinking')?.tokens ?? [];
  const output = {
    output_tokens: answer.tokenCount,
    output_tokens_details: { thinking_tokens: thinking.length },
  };
  const usage = (outputSoFar: Json): Json => ({
    ...counts,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    ...outputSoFar,
    service_tier: 'standard',
  });
  const message = {
    model: body.model,
    id: freshId('msg_'),
    type: 'message',
    role: 'assistant',
  };
  return {
    blocks,
    tokenCount: answer.tokenCount,
    begun: {
      ...message,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      stop_details: null,
      usage: usage({ output_tokens: 1 }),
    },
    done: {
      ...message,
      content: blocks.map(({ done }) => done),
      ...ending,
      usage: usage(output),
    },
    ending: { delta: ending, usage: { ...counts, ...output } },
  };
}

function stopReason({ parts, isCut }: Reply): string {
  if (isCut) return 'max_tokens';
  return parts.some(({ kind }) => kind === 'tool-call') ? 'tool_use' : 'end_turn';
}
