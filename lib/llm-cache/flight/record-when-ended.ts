import { answerUsage } from '../accounting/answer-usage.js';
import type { RecordedCall } from '../accounting/ledger.js';
import type { AnswerRequest } from '../answer-request.interface.js';
import { keptMs } from '../policy/freshness.js';
import { isStorableStatus, type UnstorableReason } from '../policy/storable.js';
import type { OriginatedHead } from '../recording/answer.js';
import type { Entry } from '../recording/entry.js';
import { recordAnswer } from '../recording/record-answer.js';
import type { Flight } from './flight.js';
import type { SharedChunks } from './shared-chunks.js';

/** An answer that is being given. */
interface Call {
  readonly head: OriginatedHead;
  readonly chunks: SharedChunks;
  /** By `performance.now()`. */
  readonly startedAt: number;
}

/**
 * Stores an answer once it is complete, if it may be stored.
 *
 * @param onOver called when who comes from now on finds the answer in the store, or never will
 */
export async function recordWhenEnded(
  request: AnswerRequest,
  call: Call,
  flight: Flight,
  onOver: () => void,
): Promise<Entry | UnstorableReason> {
  const { memory, staleness, account } = request;
  const end = await call.chunks.ended;
  const entry = 'error' in end ? 'cut' : await makeEntry(request, call);
  if (typeof entry === 'string') {
    onOver();
    account.unstorable(entry);
    return entry;
  }
  flight.entry = entry;
  const kept = memory.isInParts ? entry.ttlMs : keptMs(entry.ttlMs, staleness);
  void memory.record(entry, kept).then(() => {
    onOver();
    request.onStored();
  });
  account.stored();
  return entry;
}

/** What a call of another process would have recorded. */
export async function followedCall(
  { protocol, body }: AnswerRequest,
  { head, chunks, startedAt }: Call,
): Promise<RecordedCall | undefined> {
  if ('error' in (await chunks.ended) || !chunks.isWhole) return undefined;
  const tookMs = Math.round(performance.now() - startedAt);
  const frames = recordAnswer(head, chunks.pieces(), protocol, body);
  if (typeof frames === 'string') return undefined;
  return { usage: answerUsage(frames, protocol), tookMs, head, frames };
}

async function makeEntry(
  request: AnswerRequest,
  { head, chunks, startedAt }: Call,
): Promise<Entry | UnstorableReason> {
  if (!isStorableStatus(head.status)) return 'status';
  if (chunks.lostBy !== undefined) return chunks.lostBy;
  if (request.controls.noStore) return 'no-store';
  const { protocol, body } = request;
  // Without a mark of its end, nobody can tell a body that was stopped because its caller had left;
  // what a handler writes by itself has failed then.
  const hasEndMark = head.kind === 'value' || head.kind === 'raw' || protocol.name !== 'json';
  if (!hasEndMark && request.gone.aborted) return 'cut';
  const tookMs = Math.round(performance.now() - startedAt);
  try {
    const frames = recordAnswer(head, chunks.pieces(), protocol, body);
    if (typeof frames === 'string') return frames;
    const ttlMs = await request.ttlMs();
    if (ttlMs === undefined) return 'ttl';
    const usage = answerUsage(frames, protocol);
    return { storedAtMs: Date.now(), ttlMs, tookMs, usage, head, frames };
  } catch {
    // A protocol of the user's that throws.
    return 'protocol';
  }
}
