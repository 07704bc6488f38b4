const WORDS = 500;

/** Words that do not compress better than those of a language, always the same ones. */
function words(): string[] {
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  const letters = (count: number): string =>
    Array.from({ length: count }, () => String.fromCodePoint(97 + random(26))).join('');
  const vocabulary = Array.from({ length: 1_000 }, () => letters(3 + random(6)));
  return Array.from({ length: WORDS }, () => vocabulary[random(1_000)] ?? '');
}

const about = {
  id: 'chatcmpl-Dq7mGyTLKnTTG4mUvNKIZY6W4bgGi',
  created: 1_764_000_000,
  model: 'gpt-5',
};

function chat(): Response {
  const message = { role: 'assistant', content: words().join(' '), refusal: null };
  return Response.json({
    ...about,
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 100, completion_tokens: 600, total_tokens: 700 },
  });
}

function stream(): Response {
  const event = (delta: object, finish_reason: string | null): string => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    const more = { object: 'chat.completion.chunk', service_tier: 'default', obfuscation: 'x7Qa2' };
    return `data: ${JSON.stringify({ ...about, ...more, choices })}\n\n`;
  };
  const pieces = words().map((word) => event({ content: ` ${word}` }, null));
  const body = [
    event({ role: 'assistant' }, null),
    ...pieces,
    event({}, 'stop'),
    'data: [DONE]\n\n',
  ];
  return new Response(body.join(''), { headers: { 'content-type': 'text/event-stream' } });
}

function embedding(dimensions: number): Response {
  const vector = Array.from({ length: dimensions }, (_, index) => Math.fround(Math.sin(index)));
  return Response.json({
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: vector }],
    model: 'text-embedding-3-large',
    usage: { prompt_tokens: 8, total_tokens: 8 },
  });
}

export interface TypicalAnswer {
  readonly path: string;
  readonly request: object;
  readonly answer: () => Response;
}

const CHAT = 'v1/chat/completions';
const question = { model: 'gpt-5', messages: [{ role: 'user', content: 'Tell me a story' }] };

/** In the order of the table of entries. */
export const TYPICAL_ANSWERS: readonly TypicalAnswer[] = [
  { path: CHAT, request: question, answer: chat },
  { path: CHAT, request: { ...question, stream: true }, answer: stream },
  ...[1536, 3072].map((dimensions) => ({
    path: 'v1/embeddings',
    request: { model: 'text-embedding-3-large', input: 'A story', dimensions },
    answer: () => embedding(dimensions),
  })),
];
