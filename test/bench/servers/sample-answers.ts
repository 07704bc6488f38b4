import { sampleText } from './sample-text.js';

const WORD = 'cached ';

const completion = (content: string) => ({
  id: 'chatcmpl-000000000000000000000000000',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content, refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 500, completion_tokens: 238, total_tokens: 738 },
});

/** A chat completion of 2 KB. */
export const COMPLETION = completion(WORD.repeat(238));

const EMPTY_BYTES = JSON.stringify(completion('')).length;

/** One that is sent in so many bytes; the one of 2 KB without a number. */
export const completionOf = (bytes: number | undefined): typeof COMPLETION =>
  bytes === undefined ? COMPLETION : completion(sampleText(bytes - EMPTY_BYTES));

/** The same as it is sent. */
export const COMPLETION_BYTES = Buffer.from(JSON.stringify(COMPLETION));

const FRAMES = 200;

const chunk = (choice: object): string =>
  `data: ${JSON.stringify({
    id: COMPLETION.id,
    object: 'chat.completion.chunk',
    created: COMPLETION.created,
    model: COMPLETION.model,
    choices: [{ index: 0, logprobs: null, ...choice }],
  })}\n\n`;

/** An answer of 200 frames, as a model sends it. */
export const STREAM_FRAMES: readonly string[] = [
  chunk({ delta: { role: 'assistant', content: '' }, finish_reason: null }),
  ...Array.from({ length: FRAMES - 3 }, () =>
    chunk({ delta: { content: WORD }, finish_reason: null }),
  ),
  chunk({ delta: {}, finish_reason: 'stop' }),
  'data: [DONE]\n\n',
];

export const STREAM_BYTES = Buffer.from(STREAM_FRAMES.join(''));
