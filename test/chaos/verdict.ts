import type { IncidentLog } from './incident-log.js';
import type { Failure, Journal } from './journal.js';
import { CUT_TRANSACTION } from './work/own-multi.js';

/** Right after a cut, the pauses between two attempts are short; a hot loop makes hundreds. */
const MAX_ATTEMPTS_PER_CONNECTION_AND_SECOND = 6;
/** The first pauses of the backoff are short by chance now and then. */
const MAX_TOKEN_REQUESTS_PER_SECOND = 12;

/** The most in any one second. */
export interface Peaks {
  readonly auths: number;
  readonly connects: number;
  readonly tokenRequests: number;
}

export const isCut = ({ message }: Failure): boolean => message.startsWith(CUT_TRANSACTION);

/** Commands fail only while a fault is active that explains the error, and never in the calm after it. */
export function judgeFailures(journal: Journal, incidents: IncidentLog, calmFrom: number): void {
  for (const failure of journal.failures) {
    const { job, message, from, until } = failure;
    if (from >= calmFrom) journal.violated(`without any fault, ${job} failed: ${message}`);
    else if (!isCut(failure) && !incidents.explains(message, from, until)) {
      const when = incidents.when(from, until);
      journal.violated(`${when}: no fault explains that ${job} failed: ${message}`);
    }
  }
}

/** Nothing loops without a pause. */
export function judgePeaks(journal: Journal, peaks: Peaks, connections: number): void {
  const most = connections * MAX_ATTEMPTS_PER_CONNECTION_AND_SECOND;
  const limits = { auths: most, connects: most, tokenRequests: MAX_TOKEN_REQUESTS_PER_SECOND };
  for (const kind of ['auths', 'connects', 'tokenRequests'] as const) {
    if (peaks[kind] > limits[kind]) {
      journal.violated(`${peaks[kind]} ${kind} in one second, expected at most ${limits[kind]}`);
    }
  }
}

export function countByFirstWords(failures: readonly Failure[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { message } of failures) {
    const words = message.split(' ', 3).join(' ');
    counts[words] = (counts[words] ?? 0) + 1;
  }
  return counts;
}
