import type { Api } from '../api.js';
import { embed } from './embedding.js';

/** @see [Embeddings](https://platform.openai.com/docs/api-reference/embeddings) */
export const embeddings: Api = ({ body }) => ({
  // One pass through a small model: much faster than a first token.
  firstTokenShare: 0.15,
  json: embed(body),
});
