import { namedEvent } from '../http/event-stream.js';
import type { Json } from '../json.js';
import type { Pace } from '../model/pace.js';
import { obfuscation } from '../openai/obfuscation.js';
import type { ModelResponse } from './model-response.js';
import { begunItem, doneItem, textPart } from './output-item.js';
import type { OutputItem } from './output-item.js';

/** The answer as the API's named events: the response, each of its items, the whole response again. */
export async function* toEvents(
  { begun, done, output, isCut }: ModelResponse,
  body: Json,
  pace: Pace,
): AsyncGenerator<string> {
  let sequence = 0;
  const event = (type: string, fields: object): string =>
    namedEvent(type, { sequence_number: sequence++, ...fields });

  yield event('response.created', { response: begun });
  yield event('response.in_progress', { response: begun });
  await pace.firstToken();
  let said = 0;
  for (const [index, item] of output.entries()) {
    const place = { item_id: item.id, output_index: index };
    yield event('response.output_item.added', { output_index: index, item: begunItem(item) });
    const { before, delta, after } = eventsOf(item);
    for (const [type, fields] of before) yield event(type, { ...place, ...fields });
    for (const token of item.tokens) {
      await pace.tokens(++said);
      const [type, fields] = delta;
      yield event(type, { ...place, ...fields, delta: token, ...obfuscation(body, token) });
    }
    for (const [type, fields] of after) yield event(type, { ...place, ...fields });
    const isLast = index === output.length - 1;
    yield event('response.output_item.done', {
      output_index: index,
      item: doneItem(item, isCut && isLast),
    });
  }
  yield event(isCut ? 'response.incomplete' : 'response.completed', { response: done });
}

type EventInItem = readonly [type: string, fields: object];

/** What is sent within an item: before its tokens, for each of them, and after them. */
function eventsOf(item: OutputItem): {
  before: EventInItem[];
  delta: EventInItem;
  after: EventInItem[];
} {
  const text = item.tokens.join('');
  if (item.type === 'function_call') {
    return {
      before: [],
      delta: ['response.function_call_arguments.delta', {}],
      after: [['response.function_call_arguments.done', { name: item.name, arguments: text }]],
    };
  }
  const content = { content_index: 0 };
  const logprobs: unknown[] = [];
  return {
    before: [['response.content_part.added', { ...content, part: textPart('') }]],
    delta: ['response.output_text.delta', { ...content, logprobs }],
    after: [
      ['response.output_text.done', { ...content, text, logprobs }],
      ['response.content_part.done', { ...content, part: textPart(text) }],
    ],
  };
}
