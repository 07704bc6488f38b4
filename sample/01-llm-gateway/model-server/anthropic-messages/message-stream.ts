import { namedEvent } from '../http/event-stream.js';
import type { Pace } from '../model/pace.js';
import type { Message } from './message.js';

/** The answer as the API's named events: the message, each of its blocks in pieces, how it ended. */
export async function* toEvents(
  { begun, blocks, ending }: Message,
  pace: Pace,
): AsyncGenerator<string> {
  await pace.firstToken();
  yield namedEvent('message_start', { message: begun });
  let said = 0;
  for (const [index, block] of blocks.entries()) {
    yield namedEvent('content_block_start', { index, content_block: block.begun });
    if (index === 0) yield namedEvent('ping', {});
    for (const delta of block.deltas) {
      await pace.tokens(++said);
      yield namedEvent('content_block_delta', { index, delta });
    }
    yield namedEvent('content_block_stop', { index });
  }
  yield namedEvent('message_delta', ending);
  yield namedEvent('message_stop', {});
}
