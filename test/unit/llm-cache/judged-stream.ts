import type { UnstorableReason } from '../../../lib/llm-cache/policy/storable.js';
import type { LlmProtocol } from '../../../lib/llm-cache/protocols/llm-protocol.interface.js';

/** Name and data; a data that is no text goes out as JSON. */
export type SentEvent = readonly [name: string | undefined, data: unknown];

/** Events without a name, as OpenAI's chat sends them. */
export const unnamed = (...data: readonly unknown[]): readonly SentEvent[] =>
  data.map((item) => [undefined, item]);

/** Events whose name is their type, as Anthropic and OpenAI's Responses send them. */
export const named = (...events: readonly { readonly type: string }[]): readonly SentEvent[] =>
  events.map((event) => [event.type, event]);

/** Why a stream that ended cleanly with these events is not stored. */
export function verdictOf(
  { judgeStream }: Pick<LlmProtocol, 'judgeStream'>,
  events: readonly SentEvent[],
): UnstorableReason | undefined {
  const judge = judgeStream();
  for (const [name, data] of events) {
    judge.event(name, typeof data === 'string' ? data : JSON.stringify(data));
  }
  return judge.verdict();
}

/** All that is left of a stream that ends too early. */
export const cuts = (events: readonly SentEvent[]): readonly (readonly SentEvent[])[] =>
  events.map((_event, length) => events.slice(0, length));
