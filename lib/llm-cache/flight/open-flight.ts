import type { AnswerRequest } from '../answer-request.interface.js';
import type { GoneSignal } from '../gone-signal.js';
import { isStorableStatus } from '../policy/storable.js';
import type { LiveAnswer } from '../recording/answer.js';
import { stopReading } from '../recording/chunk.js';
import { Flight } from './flight.js';
import { SharedChunks } from './shared-chunks.js';

/** Of an answer that is stored in parts, in bytes. */
const MAX_BYTES_OF_PARTS = 64 * 1024 * 1024;

/** A flight, the signal that stops its call, and what ends it for those who come. */
export interface OpenFlight {
  readonly flight: Flight;
  readonly stop: AbortSignal;
  readonly close: () => void;
}

/**
 * A flight that its caller may leave before there is an answer. With nobody left, who comes next
 * starts anew: the call may hang, and the caller have given up on it.
 */
export function openFlight(request: AnswerRequest, close: () => void): OpenFlight {
  const stop = new AbortController();
  const flight: Flight = new Flight(() => {
    close();
    if (goesOn(request, flight)) {
      flight.deadline = setTimeout(() => stop.abort(), request.limits.drainDeadlineMs).unref();
    } else {
      stop.abort();
    }
  });
  whenGone(request.gone, () => flight.leave(), flight.landed);
  return {
    flight,
    // Most flights find an answer and never call.
    get stop() {
      return stop.signal;
    },
    close,
  };
}

/** The body of an answer for all who want it, which goes on without them as far as it may. */
export function shareChunks(
  request: AnswerRequest,
  live: LiveAnswer,
  flight: Flight,
): SharedChunks {
  const { maxEntryBytes, drainDeadlineMs } = request.limits;
  // Each part is an entry of its own.
  const most = request.memory.isInParts ? MAX_BYTES_OF_PARTS : maxEntryBytes;
  const mayBeStored = isStorableStatus(live.head.status) && !request.controls.noStore;
  const chunks: SharedChunks = new SharedChunks(live.chunks, most, () => {
    // Followers may be about to begin to read.
    setImmediate(() => {
      if (chunks.hasReaders) return;
      if (mayBeStored && goesOn(request, flight)) drainWithin(chunks, drainDeadlineMs);
      else chunks.stop();
    });
  });
  return chunks;
}

/** The body of an answer that another process asks for. */
export function followChunks(
  { limits }: AnswerRequest,
  { chunks: source }: LiveAnswer,
): SharedChunks {
  const chunks: SharedChunks = new SharedChunks(source, limits.maxEntryBytes, () => {
    setImmediate(() => {
      if (!chunks.hasReaders) chunks.stop();
    });
  });
  return chunks;
}

/** Whoever was to read an answer may have gone, or have put something else in its place. */
export function leaveWithCaller(
  gone: GoneSignal,
  reader: AsyncIterator<unknown>,
  chunks: SharedChunks,
): void {
  whenGone(gone, () => stopReading(reader), chunks.ended);
}

/** Calls back once, unless `over` comes first; leaves no listener behind. */
function whenGone(gone: GoneSignal, callBack: () => void, over: Promise<unknown>): void {
  if (gone.aborted) {
    callBack();
    return;
  }
  gone.addEventListener('abort', callBack, { once: true });
  void over.finally(() => gone.removeEventListener('abort', callBack));
}

/** Whether an answer is completed although nobody waits for it any more. */
function goesOn({ limits }: AnswerRequest, flight: Flight): boolean {
  if (limits.onDisconnect === 'drainIfFollowers') return flight.followers > 0;
  return limits.onDisconnect === 'drain';
}

function drainWithin(chunks: SharedChunks, deadlineMs: number): void {
  const { received } = chunks;
  const timer = setTimeout(() => {
    // Somebody may have joined meanwhile, and may wait for a source that hangs.
    if (!chunks.hasReaders || chunks.received === received) chunks.stop();
  }, deadlineMs).unref();
  void chunks.ended.finally(() => clearTimeout(timer));
  void chunks.drain();
}
