import { readEmbeddingAnswer } from '../embeddings/embedding-answer.js';
import { splitEmbeddingRequest } from '../embeddings/embedding-request.js';
import { isJsonObject, type JsonObject } from '../json-object.js';
import { isEmptyOutput, isError } from './answer-data.js';
import { json } from './json.js';
import type { LlmProtocol } from './llm-protocol.interface.js';
import { OMITTED_FROM_OPENAI } from './openai-parameters.js';
import { OPENAI_OWNERS, takeApart, type RequestShape } from './request-components.js';
import { isTokenCount, tokenUsage } from './token-usage.js';

const SHAPE: RequestShape = { owners: new Map([...OPENAI_OWNERS, ['input', 'lastMessage']]) };

/** OpenAI's embeddings, and what speaks like them. */
export const openAiEmbeddings: LlmProtocol = {
  ...json,
  name: 'openai-embeddings',
  callTypes: ['embedding', 'aembedding'],
  recognises: (path, body) => path.endsWith('/embeddings') && 'input' in body,
  omitted: OMITTED_FROM_OPENAI,
  asksForStream: () => false,
  judge: (answer, request) => {
    if (!isJsonObject(answer)) return 'not-json';
    if (isError(answer)) return 'error';
    const { data } = answer;
    if (!Array.isArray(data) || data.length === 0) return 'empty';
    return isForAllInputs(answer, data, request) ? undefined : 'unfinished';
  },
  usage: ({ usage, model }) => {
    const { prompt_tokens: input } = isJsonObject(usage) ? usage : {};
    // Vectors are no tokens: the price is that of the input.
    return tokenUsage(input, isTokenCount(input) ? 0 : undefined, model);
  },
  components: (body) => takeApart(body, SHAPE),
};

/** One vector for each input, and no doubt which is whose. */
function isForAllInputs(answer: unknown, data: readonly unknown[], request?: JsonObject): boolean {
  const split = request && splitEmbeddingRequest(request);
  if (split) return readEmbeddingAnswer(answer, split.positions.length) !== undefined;
  // Vectors of other types, whose making is not known here.
  const { input } = request ?? {};
  const count = Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1;
  return (
    (request === undefined || data.length === count) &&
    data.every((item) => isJsonObject(item) && !isEmptyOutput(item['embedding']))
  );
}
