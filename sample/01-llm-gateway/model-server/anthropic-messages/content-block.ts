import { randomBytes } from 'node:crypto';
import { freshId } from '../fresh-id.js';
import type { Json } from '../json.js';
import type { Part } from '../model/reply.js';

/** A part of the reply as the API writes it: before its first token, in pieces, and whole. */
export interface ContentBlock {
  readonly begun: Json;
  readonly deltas: readonly Json[];
  readonly done: Json;
}

export function toContentBlock(part: Part): ContentBlock {
  const { tokens } = part;
  const text = tokens.join('');
  switch (part.kind) {
    case 'thinking': {
      const signature = randomBytes(96).toString('base64');
      return {
        begun: { type: 'thinking', thinking: '', signature: '' },
        deltas: [
          ...tokens.map((token) => ({ type: 'thinking_delta', thinking: token })),
          { type: 'signature_delta', signature },
        ],
        done: { type: 'thinking', thinking: text, signature },
      };
    }
    case 'text':
      return {
        begun: { type: 'text', text: '' },
        deltas: tokens.map((token) => ({ type: 'text_delta', text: token })),
        done: { type: 'text', text },
      };
    case 'tool-call': {
      const call = { type: 'tool_use', id: freshId('toolu_'), name: part.name };
      return {
        begun: { ...call, input: {}, caller: { type: 'direct' } },
        deltas: ['', ...tokens].map((token) => ({ type: 'input_json_delta', partial_json: token })),
        done: { ...call, input: JSON.parse(text) as unknown, caller: { type: 'direct' } },
      };
    }
  }
}
