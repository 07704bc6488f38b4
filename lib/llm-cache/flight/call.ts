import type { AnswerRequest, Served } from '../answer-request.interface.js';
import type { Leader } from '../fleet/leader.js';
import { isErrorStatus, isServerError, type FoundEntry } from '../policy/freshness.js';
import { isStorableStatus, type UnstorableReason } from '../policy/storable.js';
import { newOrigin, type LiveAnswer } from '../recording/answer.js';
import { stopReading } from '../recording/chunk.js';
import { leaveWithCaller, shareChunks, type OpenFlight } from './open-flight.js';
import { recordWhenEnded } from './record-when-ended.js';

/** What a call may have beside its flight. */
export interface CallOptions {
  /** For the callers in other processes. */
  readonly leader?: Leader | undefined;
  /** To be given should the call fail. */
  readonly fallback?: FoundEntry | undefined;
}

/**
 * Asks the handler or the upstream, for all callers of a flight, and records the answer.
 *
 * @returns the fallback when the call fails. Throws what the call throws
 */
export async function callFor(
  request: AnswerRequest,
  open: OpenFlight,
  { leader, fallback }: CallOptions,
): Promise<Exclude<Served, { from: 'cache' }> | FoundEntry> {
  const { flight, close } = open;
  const { account } = request;
  const fail = (why: 'failed' | 'unshareable'): void => {
    flight.fail(why);
    void leader?.fail(why);
    close();
  };
  account.miss();
  const origin = newOrigin(request.epoch, request.tags);
  const startedAt = performance.now();
  const live = await ask(request, open, fallback).catch((error: unknown) => {
    fail('failed');
    throw error;
  });
  if (typeof live === 'string') {
    fail('unshareable');
    account.unstorable(live);
    return { from: 'handler-only', reason: live };
  }
  if ('entry' in live) {
    // For the others here too; other processes have a fallback of their own.
    void leader?.fail('failed');
    return live;
  }
  const head = { ...live.head, origin };
  const chunks = shareChunks(request, live, flight);
  const reader = chunks.read(true);
  leaveWithCaller(request.gone, reader, chunks);
  if (head.kind === 'value') void chunks.drain();
  const outcome = recordWhenEnded(request, { head, chunks, startedAt }, flight, () => {
    close();
    void leader?.leave();
  });
  if (isStorableStatus(head.status)) {
    // Whoever waits must not wait for this caller to read.
    void chunks.readFirst();
    void chunks.begun.then((hasBody) => {
      if (!hasBody) return fail('failed');
      const call = outcome.then((entry) => (typeof entry === 'string' ? undefined : entry));
      flight.land({ from: 'handler', head, chunks, call });
      leader?.begin(head, chunks);
    });
  } else {
    fail('failed');
  }
  const recorded = outcome.then((entry) => (typeof entry === 'string' ? entry : 'stored'));
  return { from: 'handler', head, chunks: reader, isCollapsed: false, recorded };
}

async function ask(
  request: AnswerRequest,
  { flight, stop }: OpenFlight,
  fallback: FoundEntry | undefined,
): Promise<LiveAnswer | UnstorableReason | FoundEntry> {
  try {
    const { memory, isShadow } = request;
    const live = await memory.call((instead) => request.call(stop, instead), isShadow);
    if (fallback === undefined || typeof live === 'string') return live;
    // A stream that fails at its beginning is no answer either.
    if (!isErrorStatus(live.head.status)) return await begun(live);
    stopReading(live.chunks);
    return fallback;
  } catch (error) {
    if (fallback === undefined || !isServerError(error) || request.gone.aborted) throw error;
    return fallback;
  } finally {
    clearTimeout(flight.deadline);
  }
}

/** The same answer, with its first piece. Throws what the source throws. */
async function begun({ head, chunks }: LiveAnswer): Promise<LiveAnswer> {
  let first: IteratorResult<unknown> | undefined = await chunks.next();
  return {
    head,
    chunks: {
      next: async () => {
        const result = first ?? (await chunks.next());
        first = undefined;
        return result;
      },
      return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
    },
  };
}
