import type { RequestPlan } from './row.interface.js';

/** Stands in a body for what is different in each request. */
export const UNIQUE = '{{unique}}';

const SENTENCE = 'Summarise what the customer has written about the last delivery. ';

/** A chat call whose prompt has so many bytes. */
export function chatCall(promptBytes: number, more: object = {}): string {
  return JSON.stringify({
    model: 'gpt-4o-mini',
    temperature: 0,
    messages: [
      { role: 'system', content: 'You answer in one sentence.' },
      {
        role: 'user',
        content: SENTENCE.repeat(promptBytes / SENTENCE.length + 1).slice(0, promptBytes),
      },
    ],
    ...more,
  });
}

const KB = 1_024;

export const GET: RequestPlan = { method: 'GET', answer: 'completion' };
export const POST_2K: RequestPlan = {
  method: 'POST',
  body: chatCall(2 * KB),
  answer: 'completion',
};
export const POST_100K: RequestPlan = {
  method: 'POST',
  body: chatCall(100 * KB),
  answer: 'completion',
};
/** Another prompt each time. */
export const POST_UNIQUE: RequestPlan = {
  method: 'POST',
  body: chatCall(2 * KB, { seed: UNIQUE }),
  answer: 'completion',
};
export const POST_STREAM: RequestPlan = {
  method: 'POST',
  body: chatCall(2 * KB, { stream: true }),
  answer: 'stream',
};
export const POST_UNIQUE_STREAM: RequestPlan = {
  method: 'POST',
  body: chatCall(2 * KB, { stream: true, seed: UNIQUE }),
  answer: 'stream',
};
/** Of a server that asks a model by itself. */
export const ASK: RequestPlan = { method: 'GET', answer: 'text' };
