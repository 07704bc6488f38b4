import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadResult } from '../load/load.interface.js';
import { PATH } from '../load/path.js';
import { UNIQUE } from '../plan/requests.js';
import type { RequestPlan, Workload } from '../plan/row.interface.js';
import { COMPLETION, completionOf, STREAM_BYTES } from '../servers/sample-answers.js';
import type { Usage } from '../servers/orders.js';

const STORED_WITHIN_MS = 5_000;
const ANSWERED_WITHIN_MS = 10_000;
/** Of the requests to a row of hits, how many may reach the handler: one in a thousand. */
const MISSES = 0.001;

/** Of a request that has several bodies. */
const FIRST_VARIANT = '1';

function expectedAnswer({ answer, answerBytes }: RequestPlan): string {
  switch (answer) {
    case 'completion':
      return JSON.stringify(completionOf(answerBytes));
    case 'stream':
      return STREAM_BYTES.toString();
    case 'text':
      return JSON.stringify({ text: COMPLETION.choices[0]?.message.content });
  }
}

/** A hit has an `id` and a time of its own. */
const impersonal = (text: string): string =>
  text.replace(/"id":"[^"]*"/g, '"id":""').replace(/"created":\d+/g, '"created":0');

/**
 * Asks until the answer comes from where the row says.
 *
 * @param variant of the body, if there are several
 * @throws when it is another answer, or does not come from there in time
 */
export async function checkAnswer(
  url: string,
  { request, source }: Workload,
  variant = FIRST_VARIANT,
): Promise<void> {
  const expected = impersonal(expectedAnswer(request));
  const deadline = Date.now() + STORED_WITHIN_MS;
  // Twice at least: only the first one may reach the handler.
  for (let asked = 1; ; asked += 1) {
    const unique = request.variants === undefined ? `check-${asked}` : variant;
    const response = await ask(url, request, unique);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`Expected 200, got ${response.status}: ${text}`);
    if (impersonal(text) !== expected) {
      throw new Error(`Expected the ${request.answer} of the bench, got ${text.slice(0, 200)}`);
    }
    const cache = response.headers.get('x-cache');
    if (source !== 'cache-header' ? asked > 1 : cache === 'HIT') return;
    if (Date.now() > deadline) throw new Error(`Expected X-Cache: HIT, got ${cache}.`);
    await sleep(20);
  }
}

export function ask(
  url: string,
  { method, body }: RequestPlan,
  unique: string,
  signal = AbortSignal.timeout(ANSWERED_WITHIN_MS),
): Promise<Response> {
  return fetch(`${url}${PATH}`, {
    method,
    signal,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: body.replace(UNIQUE, unique),
    }),
  });
}

/** @throws when the answers did not come from where the row says */
export function checkUsage(
  workload: Workload,
  { requests, seconds }: Pick<LoadResult, 'requests' | 'seconds'>,
  before: Usage,
  after: Usage,
): void {
  const calls = after.calls - before.calls;
  const isFromCache = workload.source === 'cache' || workload.source === 'cache-header';
  if (isFromCache && calls > requests * MISSES) {
    throw new Error(`Expected hits, ${calls} of ${requests} requests reached the handler.`);
  }
  if (workload.source === 'handler' && calls < requests * (1 - MISSES)) {
    throw new Error(`Expected calls, ${calls} of ${requests} requests reached the handler.`);
  }
  const rotations = after.rotations - before.rotations;
  // One a second, at a random moment of it.
  if (workload.rotates === true && rotations < Math.floor(seconds / 2)) {
    throw new Error(`Expected a new token every second, got ${rotations} in ${seconds} s.`);
  }
}
