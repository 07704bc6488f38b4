import type { AnswerRequest, Recorded, Served } from './answer-request.interface.js';
import type { LlmCacheStatistics } from './statistics.js';
import type { Flight, FlightAnswer } from './flight/flight.js';
import { leaveWithCaller, openFlight, shareChunks } from './flight/open-flight.js';
import type { SharedChunks } from './flight/shared-chunks.js';
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
    const { controls, gone } = request;
    // Nobody is called for a caller who has gone already.
    gone.throwIfAborted();
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
    };
  }

  /** Looks up, or calls, for everybody who comes meanwhile. */
  async #takeOff(request: AnswerRequest): Promise<Served> {
    const { key } = request;
    const close = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    const { flight, stop } = openFlight(request, close);
    this.#flights.set(key, flight);
    const found = await this.#find(request);
    if (found === undefined) return this.#call(request, flight, stop, close);
    flight.land(found);
    close();
    return found;
  }

  #callAlone(request: AnswerRequest): Promise<Served> {
    const nothing = (): void => undefined;
    const { flight, stop } = openFlight(request, nothing);
    return this.#call(request, flight, stop, nothing);
  }

  /** @param close called when who comes from now on finds the answer in the store, or never will */
  async #call(
    request: AnswerRequest,
    flight: Flight,
    stop: AbortSignal,
    close: () => void,
  ): Promise<Served> {
    this.#statistics.misses += 1;
    const live = await request.memory
      .call((instead) => request.call(stop, instead))
      .catch((error: unknown) => {
        flight.fail('failed');
        close();
        throw error;
      })
      .finally(() => clearTimeout(flight.deadline));
    if (typeof live === 'string') {
      flight.fail('unshareable');
      close();
      this.#statistics.unstorable(live);
      return { from: 'handler-only', reason: live };
    }
    const { head } = live;
    const chunks = shareChunks(request, live, flight);
    const reader = chunks.read(true);
    leaveWithCaller(request.gone, reader, chunks);
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
    // Whatever fails here, the call is made.
    const entry = await request.memory.find().catch(() => undefined);
    return entry && this.#hit(request, entry);
  }

  #hit({ controls }: AnswerRequest, entry: Entry): (Served & { from: 'cache' }) | undefined {
    const { maxAgeMs } = controls;
    if (maxAgeMs !== undefined && Date.now() - entry.storedAtMs > maxAgeMs) return undefined;
    this.#statistics.hits += 1;
    return { from: 'cache', entry };
  }
}

async function makeEntry(
  request: AnswerRequest,
  head: AnswerHead,
  chunks: SharedChunks,
): Promise<Entry | UnstorableReason> {
  if (!isStorableStatus(head.status)) return 'status';
  if (chunks.lostBy !== undefined) return chunks.lostBy;
  if (request.controls.noStore) return 'no-store';
  // Without a mark of its end, nobody can tell a body that was stopped because its caller had left;
  // what a handler writes by itself has failed then.
  const hasEndMark =
    head.kind === 'value' || head.kind === 'raw' || request.protocol.name !== 'json';
  if (!hasEndMark && request.gone.aborted) return 'cut';
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
