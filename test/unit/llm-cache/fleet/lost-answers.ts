import * as fc from 'fast-check';
import { continuedAnswer } from '../../../../lib/llm-cache/fleet/continued-answer.js';
import { LeaderLostError } from '../../../../lib/llm-cache/fleet/follower.js';
import { openAiChat } from '../../../../lib/llm-cache/protocols/openai-chat.js';
import type { AnswerHead, LiveAnswer } from '../../../../lib/llm-cache/recording/answer.js';

export const pieceSizes = fc.array(fc.integer({ min: 1, max: 200 }), {
  minLength: 1,
  maxLength: 30,
});

/** The bytes of a text in pieces of these sizes, in turn. */
export function inPieces(text: string, sizes: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let start = 0, index = 0; start < bytes.length; index += 1) {
    const end = start + (sizes[index % sizes.length] ?? 1);
    pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

export async function* each(chunks: readonly unknown[]): AsyncGenerator<unknown, void> {
  yield* chunks;
}

/** Its leader is gone behind these chunks. */
export async function* lostBehind(chunks: readonly unknown[]): AsyncGenerator<unknown, void> {
  yield* chunks;
  throw new LeaderLostError('The process that asked for the answer is gone.');
}

export interface Received {
  readonly chunks: readonly unknown[];
  /** Those of texts and bytes, in one. */
  readonly text: string;
  readonly error: unknown;
  /** How often another call was made. */
  readonly asked: number;
}

/** What a caller gets of a lost answer that is continued by the others, as far as they go. */
export async function receiveContinued(
  first: LiveAnswer,
  others: readonly LiveAnswer[],
): Promise<Received> {
  let asked = 0;
  const answer = continuedAnswer(first, {
    isEventStream: false,
    personalFields: openAiChat.personalFields({}),
    askAgain: async () => {
      const other = others[asked];
      asked += 1;
      if (other === undefined) throw new Error('Nobody answers.');
      return other;
    },
  });
  const chunks: unknown[] = [];
  let error: unknown;
  try {
    for (;;) {
      const { done, value } = await answer.chunks.next();
      if (done === true) break;
      chunks.push(value);
    }
  } catch (reason) {
    error = reason;
  }
  const bytes = chunks.map((chunk) =>
    Buffer.isBuffer(chunk) ? chunk : Buffer.from(typeof chunk === 'string' ? chunk : ''),
  );
  return { chunks, text: Buffer.concat(bytes).toString(), error, asked };
}

export const answerOf = (
  chunks: AsyncIterator<unknown>,
  type: string | undefined = 'text/event-stream',
  more: Partial<AnswerHead> = {},
): LiveAnswer => ({
  head: {
    kind: 'response',
    status: 200,
    headers: type === undefined ? {} : { 'content-type': type },
    ...more,
  },
  chunks,
});
