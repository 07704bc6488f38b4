import type { AnswerRequest, Recorded, Served } from './answer-request.interface.js';
import type { LlmCacheStatistics } from './statistics.js';
import { Flight, type FlightAnswer } from './flight/flight.js';
import { SharedChunks } from './flight/shared-chunks.js';
import { isStorableStatus, type UnstorableReason } from './policy/storable.js';
import type { AnswerHead } from './recording/answer.js';
import type { Entry } from './recording/entry.js';
import { recordAnswer } from './recording/record-answer.js';

/** Callers follow a second leader when the first has failed, and do not queue up behind a third. */
const MOST_LEADERS = 2;

/**
 * The core behind both doors: looks answers up, makes one call for all who ask the same at the
 * same time, and records what may be stored. Whatever fails around the cache, the call is made.
 */
export class AnswerCache {
  readonly #statistics: LlmCacheStatistics;
  readonly #flights = new Map<string, Flight>();

  constructor(statistics: LlmCacheStatistics) {
    this.#statistics = statistics;
  }

  /** Throws what the call throws. */
  async serve(request: AnswerRequest): Promise<Served> {
    const { controls } = request;
    if (controls.onlyIfCached) {
      return (await this.#find(request)) ?? { from: 'nowhere' };
    }
    if (controls.noCache) return this.#callAlone(request);
    if (controls.noStore) return (await this.#find(request)) ?? this.#callAlone(request);
    return this.#joinOrTakeOff(request);
  }

  /** The answer of the flight that is under way, or of one of its own. */
  async #joinOrTakeOff(request: AnswerRequest): Promise<Served> {
    const { key, limits, gone } = request;
    for (let failures = 0; failures < MOST_LEADERS; failures += 1) {
      const flight = this.#flights.get(key);
      // Nothing may be awaited in between: who comes next must find the new flight.
      if (flight === undefined) return this.#takeOff(request);
      if (flight.entry !== undefined) {
        return this.#hit(request, flight.entry) ?? this.#callAlone(request);
      }
      if (flight.followers >= limits.maxFollowers) break;
      const answer = await flight.follow(limits.followerDeadlineMs, gone);
      gone.throwIfAborted();
      if (answer === 'late' || answer === 'unshareable') break;
      if (answer !== 'failed') return this.#shared(request, answer) ?? this.#callAlone(request);
    }
    return this.#callAlone(request);
  }

  #shared(request: AnswerRequest, answer: FlightAnswer): Served | undefined {
    if (answer.from === 'cache') return this.#hit(request, answer.entry);
    if (!answer.chunks.isWhole) return undefined;
    this.#statistics.collapsed += 1;
    return {
      from: 'handler',
      head: answer.head,
      chunks: answer.chunks.read(false),
      isCollapsed: true,
      recorded: Promise.resolve('stored'),
    };
  }

  /** Looks up, or calls, for everybody who comes meanwhile. */
  async #takeOff(request: AnswerRequest): Promise<Served> {
    const { key, gone } = request;
    const stop = new AbortController();
    const flight: Flight = new Flight(() => {
      if (!goesOn(request, flight)) stop.abort();
    });
    const leave = (): void => flight.leave();
    const close = (): void => {
      gone.removeEventListener('abort', leave);
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    this.#flights.set(key, flight);
    gone.addEventListener('abort', leave, { once: true });
    try {
      const found = await this.#find(request);
      if (found === undefined) return await this.#call(request, flight, stop, close);
      flight.land(found);
      close();
      return found;
    } catch (error) {
      flight.fail('failed');
      close();
      throw error;
    }
  }

  #callAlone(request: AnswerRequest): Promise<Served> {
    const stop = new AbortController();
    const flight = new Flight(() => undefined);
    if (request.limits.onDisconnect !== 'drain') {
      request.gone.addEventListener('abort', () => stop.abort(), { once: true });
    }
    return this.#call(request, flight, stop, () => undefined);
  }

  /** @param close called when who comes from now on finds the answer in the store, or never will */
  async #call(
    request: AnswerRequest,
    flight: Flight,
    stop: AbortController,
    close: () => void,
  ): Promise<Served> {
    this.#statistics.misses += 1;
    const live = await request.memory.call((instead) => request.call(stop.signal, instead));
    if (typeof live === 'string') {
      flight.fail('unshareable');
      close();
      this.#statistics.unstorable(live);
      return { from: 'handler-only', reason: live };
    }
    const { head } = live;
    const { maxEntryBytes, drainDeadlineMs } = request.limits;
    const chunks: SharedChunks = new SharedChunks(live.chunks, maxEntryBytes, () => {
      // Followers may be about to begin to read.
      setImmediate(() => {
        if (chunks.hasReaders) return;
        if (goesOn(request, flight)) drainWithin(chunks, drainDeadlineMs);
        else chunks.stop();
      });
    });
    const reader = chunks.read(true);
    const leave = (): void => void reader.return?.();
    // Whoever was to read it may have gone already, or have put something else in its place.
    if (request.gone.aborted) leave();
    else request.gone.addEventListener('abort', leave, { once: true });
    if (head.kind === 'value') void chunks.drain();
    if (isStorableStatus(head.status)) {
      // Whoever waits must not wait for this caller to read.
      void chunks.readFirst();
      void chunks.begun.then((hasBody) => {
        if (hasBody) flight.land({ from: 'handler', head, chunks });
        else flight.fail('failed');
      });
    } else {
      flight.fail('failed');
      close();
    }
    const recorded = this.#record(request, head, chunks, flight, close);
    return { from: 'handler', head, chunks: reader, isCollapsed: false, recorded };
  }

  async #record(
    request: AnswerRequest,
    head: AnswerHead,
    chunks: SharedChunks,
    flight: Flight,
    close: () => void,
  ): Promise<Recorded> {
    const end = await chunks.ended;
    const entry = 'error' in end ? 'cut' : await makeEntry(request, head, chunks);
    if (typeof entry === 'string') {
      close();
      this.#statistics.unstorable(entry);
      return entry;
    }
    flight.entry = entry;
    void request.memory.record(entry).finally(close);
    this.#statistics.stored += 1;
    return 'stored';
  }

  async #find(request: AnswerRequest): Promise<(Served & { from: 'cache' }) | undefined> {
    const entry = await request.memory.find();
    return entry && this.#hit(request, entry);
  }

  #hit({ controls }: AnswerRequest, entry: Entry): (Served & { from: 'cache' }) | undefined {
    const { maxAgeMs } = controls;
    if (maxAgeMs !== undefined && Date.now() - entry.storedAtMs > maxAgeMs) return undefined;
    this.#statistics.hits += 1;
    return { from: 'cache', entry };
  }
}

/** Whether an answer is completed although nobody reads it any more. */
function goesOn({ limits }: AnswerRequest, flight: Flight): boolean {
  if (limits.onDisconnect === 'drainIfFollowers') return flight.followers > 0;
  return limits.onDisconnect === 'drain';
}

function drainWithin(chunks: SharedChunks, deadlineMs: number): void {
  const timer = setTimeout(() => chunks.stop(), deadlineMs).unref();
  void chunks.ended.finally(() => clearTimeout(timer));
  void chunks.drain();
}

async function makeEntry(
  request: AnswerRequest,
  head: AnswerHead,
  chunks: SharedChunks,
): Promise<Entry | UnstorableReason> {
  if (!isStorableStatus(head.status)) return 'status';
  if (!chunks.isWhole) return 'too-large';
  if (request.controls.noStore) return 'no-store';
  try {
    const frames = recordAnswer(head, chunks.pieces(), request.protocol, request.body);
    if (typeof frames === 'string') return frames;
    const ttlMs = await request.ttlMs();
    return ttlMs === undefined ? 'ttl' : { storedAtMs: Date.now(), ttlMs, head, frames };
  } catch {
    // A protocol of the user's that throws.
    return 'protocol';
  }
}
