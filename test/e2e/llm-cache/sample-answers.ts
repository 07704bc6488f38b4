/** One good answer of each API, as its bytes, and ways to spoil it. */

export const APIS = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'openai-embeddings',
] as const;

export type Api = (typeof APIS)[number];

/** Two segments, so that one route of a test serves all of them. */
export const PATHS: Readonly<Record<Api, string>> = {
  'openai-chat': 'chat/completions',
  'openai-responses': 'v1/responses',
  'anthropic-messages': 'v1/messages',
  'openai-embeddings': 'v1/embeddings',
};

export interface SampleAnswer {
  readonly name: string;
  readonly api: Api;
  readonly isStream: boolean;
  /** Frames of a stream, or the one JSON text. */
  readonly frames: readonly string[];
}

export function requestFor(
  { api, isStream }: Pick<SampleAnswer, 'api' | 'isStream'>,
  question: string,
): Record<string, unknown> {
  const shared = { model: 'm', ...(isStream && { stream: true }) };
  switch (api) {
    case 'openai-chat':
      return { ...shared, messages: [{ role: 'user', content: question }] };
    case 'openai-responses':
      return { ...shared, store: false, input: question };
    case 'anthropic-messages':
      return { ...shared, max_tokens: 9, messages: [{ role: 'user', content: question }] };
    case 'openai-embeddings':
      return { ...shared, input: [question, `${question}, too`] };
  }
}

export const eventOf = (name: string | undefined, data: unknown): string =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${
    typeof data === 'string' ? data : JSON.stringify(data)
  }\n\n`;

type TypedEvent = Readonly<Record<string, unknown>> & { readonly type: string };

const typed = (events: readonly TypedEvent[]): string[] =>
  events.map((event) => eventOf(event.type, event));

const WORDS = ['Grüße', ' aus', ' dem Speicher 👋'];
const TEXT = WORDS.join('');

// --- OpenAI chat completions

export function chatChunk(choices: readonly object[], more: object = {}): string {
  const head = { id: 'chatcmpl-Abc123', object: 'chat.completion.chunk', created: 1_700_000_000 };
  return eventOf(undefined, { ...head, model: 'm', choices, ...more });
}

export const chatDelta = (delta: object, finish: string | null = null, index = 0): object => ({
  index,
  delta,
  finish_reason: finish,
});

export const DONE = eventOf(undefined, '[DONE]');

export function chatFrames(words: readonly string[], finish = 'stop'): string[] {
  return [
    chatChunk([chatDelta({ role: 'assistant', content: '' })]),
    ...words.map((content) => chatChunk([chatDelta({ content })])),
    chatChunk([chatDelta({}, finish)]),
    chatChunk([], { usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }),
    DONE,
  ];
}

export const chatChoice = (content: string | null, finish = 'stop', more: object = {}): object => ({
  index: 0,
  message: { role: 'assistant', content, ...more },
  finish_reason: finish,
});

export const chatJson = (choices: readonly object[]): object => ({
  id: 'chatcmpl-Abc123',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'm',
  choices,
  usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
});

// --- OpenAI Responses

export const response = (status: string, output: readonly object[], more: object = {}): object => ({
  id: 'resp_Abc123',
  object: 'response',
  created_at: 1_700_000_000,
  status,
  error: null,
  incomplete_details: null,
  output,
  ...more,
});

export const outputMessage = (text: string, status = 'completed'): object => ({
  id: 'msg_Item1',
  type: 'message',
  status,
  role: 'assistant',
  content: text === '' ? [] : [{ type: 'output_text', text, annotations: [] }],
});

export function responseFrames(words: readonly string[], last: string, final: object): string[] {
  const place = { item_id: 'msg_Item1', output_index: 0, content_index: 0 };
  const events = [
    { type: 'response.created', response: response('in_progress', []) },
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: outputMessage('', 'in_progress'),
    },
    ...words.map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text: words.join('') },
    {
      type: 'response.output_item.done',
      output_index: 0,
      item: outputMessage(words.join('')),
    },
    { type: last, response: final },
  ];
  return typed(events.map((event, index) => ({ ...event, sequence_number: index })));
}

// --- Anthropic Messages

export const message = (content: readonly object[], stopReason: string | null): object => ({
  id: 'msg_Abc123',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content,
  stop_reason: stopReason,
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 5 },
});

export const textBlock = (text: string): object => ({ type: 'text', text });

export function messageFrames(words: readonly string[], stopReason: string): string[] {
  return typed([
    { type: 'message_start', message: message([], null) },
    { type: 'content_block_start', index: 0, content_block: textBlock('') },
    { type: 'ping' },
    ...words.map((text) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    })),
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: stopReason, stop_sequence: null },
      usage: { output_tokens: 5 },
    },
    { type: 'message_stop' },
  ]);
}

// --- OpenAI embeddings

export const embeddings = (vectors: readonly (readonly number[])[], more: object = {}): object => ({
  object: 'list',
  data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
  model: 'm',
  usage: { prompt_tokens: 4, total_tokens: 4 },
  ...more,
});

/** The good answers, with so much text that they are above a limit, if asked to. */
export function goodAnswers(words: readonly string[] = WORDS): readonly SampleAnswer[] {
  const text = words.join('');
  const length = words === WORDS ? 2 : Math.ceil(text.length / 4);
  const vector = (first: number): number[] =>
    Array.from({ length }, (_, index) => (index === 0 ? first : 0.25));
  const json = (api: Api, answer: object): SampleAnswer => ({
    name: `${api} as JSON`,
    api,
    isStream: false,
    frames: [JSON.stringify(answer)],
  });
  const stream = (api: Api, frames: readonly string[]): SampleAnswer => ({
    name: `${api} as a stream`,
    api,
    isStream: true,
    frames,
  });
  const whole = response('completed', [outputMessage(text)]);
  return [
    json('openai-chat', chatJson([chatChoice(text)])),
    stream('openai-chat', chatFrames(words)),
    json('openai-responses', whole),
    stream('openai-responses', responseFrames(words, 'response.completed', whole)),
    json('anthropic-messages', message([textBlock(text)], 'end_turn')),
    stream('anthropic-messages', messageFrames(words, 'end_turn')),
    json('openai-embeddings', embeddings([vector(0.5), vector(-0.5)])),
  ];
}

/** Complete as far as HTTP knows; not what anybody wants to get once more. */
export function unwantedAnswers(): readonly SampleAnswer[] {
  const answer =
    (api: Api, isStream: boolean) =>
    (name: string, frames: readonly string[]): SampleAnswer => ({
      name: `${api}, ${isStream ? 'stream' : 'JSON'}: ${name}`,
      api,
      isStream,
      frames,
    });
  const jsonOf =
    (api: Api) =>
    (name: string, body: object): SampleAnswer =>
      answer(api, false)(name, [JSON.stringify(body)]);
  const error = { error: { message: 'The server is overloaded.', type: 'server_error' } };
  return [
    ...unwantedChat(jsonOf('openai-chat'), answer('openai-chat', true), error),
    ...unwantedResponses(jsonOf('openai-responses'), answer('openai-responses', true), error),
    ...unwantedMessages(jsonOf('anthropic-messages'), answer('anthropic-messages', true)),
    ...unwantedEmbeddings(jsonOf('openai-embeddings'), error),
  ];
}

type JsonAnswer = (name: string, body: object) => SampleAnswer;
type StreamAnswer = (name: string, frames: readonly string[]) => SampleAnswer;

function unwantedChat(json: JsonAnswer, stream: StreamAnswer, error: object): SampleAnswer[] {
  const good = chatFrames(WORDS);
  const start = chatChunk([chatDelta({ role: 'assistant', content: '' })]);
  const filterBehindStop = chatChunk([chatDelta({}, 'content_filter')]);
  const other = (delta: object, finish: string | null): string =>
    chatChunk([chatDelta(delta, finish, 1)]);
  return [
    ...['length', 'content_filter', 'error', 'insufficient_system_resource'].flatMap((finish) => [
      json(`finish reason ${finish}`, chatJson([chatChoice(TEXT, finish)])),
      stream(`finish reason ${finish}`, chatFrames(WORDS, finish)),
    ]),
    json('no finish reason', chatJson([{ ...chatChoice(TEXT), finish_reason: null }])),
    json('refused', chatJson([chatChoice(null, 'stop', { refusal: 'I cannot.' })])),
    json('no choices', chatJson([])),
    json('empty content', chatJson([chatChoice('')])),
    json('no content', chatJson([chatChoice(null)])),
    json('content without a part', chatJson([chatChoice(null, 'stop', { content: [] })])),
    json('choices that are none', { ...chatJson([]), choices: {} }),
    json('an error', error),
    json('an error beside a good choice', { ...chatJson([chatChoice(TEXT)]), ...error }),
    json('n=2, one finished', chatJson([chatChoice(TEXT), chatChoice('A', 'length')])),
    json('n=2, one empty', chatJson([chatChoice(TEXT), chatChoice('')])),
    stream('refused', [
      start,
      chatChunk([chatDelta({ refusal: 'I cannot.' })]),
      chatChunk([chatDelta({}, 'stop')]),
      DONE,
    ]),
    stream('no [DONE]', good.slice(0, -1)),
    stream('no finish reason', [...good.slice(0, 4), DONE]),
    stream('[DONE] alone', [DONE]),
    stream('no content', [start, chatChunk([chatDelta({}, 'stop')]), DONE]),
    stream('no choices', [chatChunk([]), DONE]),
    stream('an error in the middle', [...good.slice(0, 2), eventOf(undefined, error), DONE]),
    stream('a named error', [...good.slice(0, 2), eventOf('error', { message: 'No.' }), DONE]),
    stream('an error, then all the rest', [
      ...good.slice(0, 2),
      eventOf(undefined, error),
      ...good.slice(2),
    ]),
    stream('a frame that is no JSON', [...good.slice(0, 2), 'data: {"choices":[\n\n', DONE]),
    stream('filtered behind a stop', [...good.slice(0, -1), filterBehindStop, DONE]),
    stream('n=2, one finished', [
      ...good.slice(0, -1),
      other({ role: 'assistant', content: 'Half' }, null),
      DONE,
    ]),
    stream('n=2, one cut', [...good.slice(0, -1), other({ content: 'Half' }, 'length'), DONE]),
    stream('n=2, one empty', [...good.slice(0, -1), other({ content: '' }, 'stop'), DONE]),
  ];
}

function unwantedResponses(json: JsonAnswer, stream: StreamAnswer, error: object): SampleAnswer[] {
  const output = [outputMessage(TEXT)];
  const whole = response('completed', output);
  const incomplete = (reason: string): object =>
    response('incomplete', output, { incomplete_details: { reason } });
  const failed = response('failed', [], { error: { code: 'server_error', message: 'No.' } });
  const refusal = [{ ...outputMessage(''), content: [{ type: 'refusal', refusal: 'I cannot.' }] }];
  const reasoning = [{ id: 'rs_1', type: 'reasoning', summary: [], encrypted_content: 'gAAA' }];
  const good = responseFrames(WORDS, 'response.completed', whole);
  const ends = (name: string, type: string, final: object): SampleAnswer =>
    stream(name, responseFrames(WORDS, type, final));
  return [
    ...['max_output_tokens', 'content_filter'].flatMap((reason) => [
      json(`incomplete: ${reason}`, incomplete(reason)),
      ends(`incomplete: ${reason}`, 'response.incomplete', incomplete(reason)),
      ends(`completed, yet incomplete: ${reason}`, 'response.completed', incomplete(reason)),
    ]),
    ...['failed', 'in_progress', 'queued', 'cancelled'].flatMap((status) => [
      json(`status ${status}`, response(status, output)),
      ends(`status ${status}`, 'response.completed', response(status, output)),
    ]),
    json('an error', failed),
    json('an error of the server', error),
    json('no output', response('completed', [])),
    json('an empty message', response('completed', [outputMessage('')])),
    json('reasoning alone', response('completed', reasoning)),
    json('an item that was cut', response('completed', [outputMessage(TEXT, 'incomplete')])),
    json('refused', response('completed', refusal)),
    ends('failed', 'response.failed', failed),
    ends('no output', 'response.completed', response('completed', [])),
    ends('refused', 'response.completed', response('completed', refusal)),
    ends('cancelled', 'response.cancelled', response('cancelled', output)),
    stream('an error in the middle', [
      ...good.slice(0, 4),
      eventOf('error', { type: 'error', code: 'server_error', message: 'No.' }),
    ]),
    stream('an error, then all the rest', [
      ...good.slice(0, 4),
      eventOf('error', { type: 'error', code: 'server_error', message: 'No.' }),
      ...good.slice(4),
    ]),
    stream('[DONE] without a completed response', [...good.slice(0, -1), DONE]),
  ];
}

function unwantedMessages(json: JsonAnswer, stream: StreamAnswer): SampleAnswer[] {
  const content = [textBlock(TEXT)];
  const good = messageFrames(WORDS, 'end_turn');
  const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  const thinking = [{ type: 'thinking', thinking: 'Hm.', signature: 'sig' }];
  const reasons = ['max_tokens', 'refusal', 'pause_turn', 'model_context_window_exceeded'];
  const openBlock = eventOf('content_block_start', {
    type: 'content_block_start',
    index: 1,
    content_block: { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} },
  });
  return [
    ...reasons.flatMap((reason) => [
      json(`stop reason ${reason}`, message(content, reason)),
      stream(`stop reason ${reason}`, messageFrames(WORDS, reason)),
    ]),
    json('no stop reason', message(content, null)),
    json('no content', message([], 'end_turn')),
    json('an empty text', message([textBlock('')], 'end_turn')),
    json('thinking alone', message(thinking, 'end_turn')),
    json('an error', overloaded),
    stream('no content', [...good.slice(0, 1), ...good.slice(-2)]),
    stream('an empty text', messageFrames([''], 'end_turn')),
    stream('no message_stop', good.slice(0, -1)),
    stream('no stop reason', [...good.slice(0, -2), ...good.slice(-1)]),
    stream('no message_start', good.slice(1)),
    stream('a block that is still open', [...good.slice(0, -2), openBlock, ...good.slice(-2)]),
    stream('an error in the middle', [...good.slice(0, 4), eventOf('error', overloaded)]),
    stream('an error, then all the rest', [
      ...good.slice(0, 4),
      eventOf('error', overloaded),
      ...good.slice(4),
    ]),
  ];
}

function unwantedEmbeddings(json: JsonAnswer, error: object): SampleAnswer[] {
  const good = [
    [0.5, 0.25],
    [-0.5, 0.25],
  ];
  const data = (entries: readonly object[]): object => ({ ...embeddings([]), data: entries });
  return [
    json('no data', embeddings([])),
    json('data that is none', { ...embeddings([]), data: {} }),
    json('an error', error),
    json('an error beside vectors', embeddings(good, error)),
    json('fewer vectors than inputs', embeddings(good.slice(0, 1))),
    json('more vectors than inputs', embeddings([...good, ...good])),
    json('an empty vector', embeddings([[0.5, 0.25], []])),
    json('vectors of two lengths', embeddings([[0.5, 0.25], [0.5]])),
    json('two vectors for one input', data([0, 0].map((index) => ({ index, embedding: [0.5] })))),
    json('an entry without a vector', data([{ index: 0, embedding: [0.5] }, { index: 1 }])),
  ];
}

/**
 * Lengths at which a source may stop: none of it, at each end of a frame and inside of frames; not
 * where only line ends of the last frame are missing, which loses nothing.
 */
export function cutsOf({ frames, isStream }: SampleAnswer): readonly number[] {
  const cuts = new Set([0]);
  let start = 0;
  for (const frame of frames) {
    const length = Buffer.byteLength(frame);
    const inside = isStream
      ? [0.5, (length - 1) / length]
      : [0.01, 0.2, 0.5, 0.9, (length - 1) / length];
    for (const share of inside) cuts.add(start + Math.floor(length * share));
    start += length;
    cuts.add(start);
  }
  const bytes = Buffer.from(frames.join(''));
  return [...cuts].filter((cut) => bytes.toString('utf8', cut).trim() !== '');
}

/** The pieces up to so many bytes, cut between the frames. */
export function piecesOf({ frames }: Pick<SampleAnswer, 'frames'>, length = Infinity): Buffer[] {
  const pieces: Buffer[] = [];
  let left = length;
  for (const frame of frames) {
    const piece = Buffer.from(frame).subarray(0, left);
    if (piece.length > 0) pieces.push(piece);
    left -= piece.length;
  }
  return pieces;
}

/** What each caller gets anew is the same here. */
export function withoutPersonal(text: string): string {
  return text
    .replaceAll(/"(chatcmpl-|resp_|msg_)[0-9a-f]{30}"/g, '"$1Abc123"')
    .replaceAll(/"(created|created_at)":\d+/g, '"$1":1700000000');
}
