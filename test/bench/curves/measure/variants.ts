import { chatCall, UNIQUE } from '../../plan/requests.js';
import type { Workload } from '../../plan/row.interface.js';
import { checkAnswer } from '../../run/check-answer.js';

const AT_A_TIME = 50;
const PROMPT_BYTES = 2_048;

/** Hits on so many entries in turn. */
export const variedHits = (variants: number, answerBytes?: number): Workload => ({
  request: {
    method: 'POST',
    body: chatCall(PROMPT_BYTES, { seed: UNIQUE }),
    variants,
    answer: 'completion',
    ...(answerBytes !== undefined && { answerBytes }),
  },
  source: 'cache-header',
});

/** Asks for each of them until it is a hit, as all are under load. */
export async function storeAll(url: string, workload: Workload): Promise<void> {
  const { variants = 0 } = workload.request;
  const names = Array.from({ length: variants }, (_, index) => String(index + 1));
  while (names.length > 0) {
    const some = names.splice(0, AT_A_TIME);
    await Promise.all(some.map((name) => checkAnswer(url, workload, name)));
  }
}
