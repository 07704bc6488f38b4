import { isJsonObject } from '../json-object.js';
import { isError } from './answer-data.js';
import { json } from './json.js';
import type { LlmProtocol } from './llm-protocol.interface.js';
import { OMITTED_FROM_OPENAI } from './openai-parameters.js';

/** OpenAI's embeddings, and what speaks like them. */
export const openAiEmbeddings: LlmProtocol = {
  ...json,
  name: 'openai-embeddings',
  callTypes: ['embedding', 'aembedding'],
  recognises: (path, body) => path.endsWith('/embeddings') && 'input' in body,
  omitted: OMITTED_FROM_OPENAI,
  asksForStream: () => false,
  judge: (answer) => {
    if (!isJsonObject(answer)) return 'not-json';
    if (isError(answer)) return 'error';
    const { data } = answer;
    return Array.isArray(data) && data.length > 0 ? undefined : 'empty';
  },
};
