import { freshId } from '../fresh-id.js';
import type { Json } from '../json.js';
import type { Part } from '../model/reply.js';

/** A part of the reply, with the ids that the API gives it. */
export type OutputItem =
  | { readonly type: 'message'; readonly id: string; readonly tokens: readonly string[] }
  | {
      readonly type: 'function_call';
      readonly id: string;
      readonly callId: string;
      readonly name: string;
      readonly tokens: readonly string[];
    };

export function toOutputItem(part: Part): OutputItem {
  const { tokens } = part;
  return part.kind === 'tool-call'
    ? {
        type: 'function_call',
        id: freshId('fc_'),
        callId: freshId('call_'),
        name: part.name,
        tokens,
      }
    : { type: 'message', id: freshId('msg_'), tokens };
}

/** The item before its first token. */
export function begunItem(item: OutputItem): Json {
  const { id, type } = item;
  return item.type === 'message'
    ? { id, type, status: 'in_progress', role: 'assistant', content: [] }
    : functionCall(item, 'in_progress', '');
}

export function doneItem(item: OutputItem, isCut: boolean): Json {
  const { id, type, tokens } = item;
  const status = isCut ? 'incomplete' : 'completed';
  const text = tokens.join('');
  return item.type === 'message'
    ? { id, type, status, role: 'assistant', content: [textPart(text)] }
    : functionCall(item, status, text);
}

export function textPart(text: string): Json {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

function functionCall(
  { id, type, callId, name }: Extract<OutputItem, { type: 'function_call' }>,
  status: string,
  text: string,
): Json {
  return { id, type, status, arguments: text, call_id: callId, name };
}
