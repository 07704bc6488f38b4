import type { Json } from '../json.js';
import { requireModel, wholeNumber } from '../openai/parameters.js';
import { seededRandom } from '../model/seeded-random.js';
import { Refusal } from '../refusal.js';
import { tokenize } from '../model/tokens.js';

/** Length of a vector when the request names none, as of text-embedding-3-small. */
const DEFAULT_DIMENSIONS = 1536;
const MAX_INPUTS = 2048;

/**
 * Embeds every input: the same text always gets the same unit vector, texts with words in common
 * get similar ones, and fewer `dimensions` are a prefix of more, scaled to length 1.
 */
export function embed(body: Json): Json {
  const model = requireModel(body);
  const inputs = inputsOf(body);
  const dimensions = wholeNumber(body, 'dimensions', DEFAULT_DIMENSIONS, 4096);
  const format = body.encoding_format ?? 'float';
  if (format !== 'float' && format !== 'base64') {
    throw new Refusal(
      400,
      "Invalid 'encoding_format': expected 'float' or 'base64'.",
      'encoding_format',
      'invalid_value',
    );
  }
  const tokens = inputs.reduce((sum, input) => sum + input.length, 0);
  return {
    object: 'list',
    data: inputs.map((input, index) => {
      const vector = vectorOf(input, model, dimensions);
      return {
        object: 'embedding',
        index,
        embedding: format === 'float' ? Array.from(vector) : toBase64(vector),
      };
    }),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** The tokens of each input: of a text, of texts, or as they are of one or several token arrays. */
function inputsOf({ input }: Json): string[][] {
  const isTokens = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.every((token) => Number.isInteger(token));
  const inputs: unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input];
  if (inputs.length === 0 || inputs.length > MAX_INPUTS) {
    throw new Refusal(400, `'input' must have 1 to ${MAX_INPUTS} items.`, 'input');
  }
  return inputs.map((item) => {
    if (typeof item === 'string' && item !== '') return tokenize(item);
    // The prefix keeps the token 42 apart from the text "42".
    if (isTokens(item)) return item.map((token) => `#${token}`);
    throw new Refusal(
      400,
      "'$.input' is invalid: expected a text, texts, a token array or token arrays, none empty.",
      'input',
    );
  });
}

function vectorOf(tokens: readonly string[], model: string, dimensions: number): Float32Array {
  const counts = new Map<string, number>();
  for (const token of tokens) {
    const word = token.trim().toLowerCase();
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const sum = new Float64Array(dimensions);
  // The text itself counts a little too, so that the order and case of words matter.
  for (const [word, count] of [...counts, [tokens.join(' '), 0.1] as const]) {
    const random = seededRandom('embedding', model, word);
    for (let i = 0; i < dimensions; i++) sum[i] = (sum[i] ?? 0) + count * (random() * 2 - 1);
  }
  const length = Math.hypot(...sum);
  return Float32Array.from(sum, (value) => value / length);
}

function toBase64(vector: Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((value, index) => bytes.writeFloatLE(value, index * 4));
  return bytes.toString('base64');
}
