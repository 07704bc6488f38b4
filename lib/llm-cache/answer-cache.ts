import type { AnswerRequest, ResumedAnswer, Served } from './answer-request.interface.js';
import { continuedAnswer } from './fleet/continued-answer.js';
import type { Fleet } from './fleet/fleet.js';
import type { Follower } from './fleet/follower.js';
import type { Leader } from './fleet/leader.js';
import { callFor, type CallOptions } from './flight/call.js';
import { followedCall } from './flight/record-when-ended.js';
import type { Flight, FlightAnswer } from './flight/flight.js';
import {
  followChunks,
  leaveWithCaller,
  openFlight,
  type OpenFlight,
} from './flight/open-flight.js';
import type { GoneSignal } from './gone-signal.js';
import { freshnessOf, NOT_STALE, type FoundEntry } from './policy/freshness.js';
import { isKnownStream } from './protocols/protocols.js';
import type { LiveAnswer, OriginatedHead } from './recording/answer.js';
import type { Entry } from './recording/entry.js';
import { stopReading } from './recording/chunk.js';
import { replay } from './recording/replay.js';

/** Callers follow a second leader when the first has failed, and do not queue up behind a third. */
const MOST_LEADERS = 2;

/**
 * The core behind both doors: looks answers up, makes one call for all who ask the same at the
 * same time, and records what may be stored. Whatever fails around the cache, the call is made.
 */
export class AnswerCache {
  readonly #fleet: Fleet | undefined;
  readonly #flights = new Map<string, Flight>();
  /** Keys of answers that are asked for in the background. */
  readonly #renewals = new Set<string>();

  /** @param fleet other processes; without it, this one is alone */
  constructor(fleet?: Fleet) {
    this.#fleet = fleet;
  }

  /** Throws what the call throws. */
  async serve(request: AnswerRequest): Promise<Served> {
    const { controls, isShadow, account } = request;
    const near = this.#findNear(request);
    if (near !== undefined) return this.#give(request, near);
    // Nobody is called for a caller who has gone already.
    request.gone.throwIfAborted();
    if (isShadow) {
      const found = await this.#find(request);
      if (isAnswer(found) && !controls.noCache) account.shadowHit(found.entry);
      return this.#callAlone(request);
    }
    if (request.resumes !== undefined) return this.#resume(request, request.resumes);
    if (controls.noCache && controls.onlyIfCached) return { from: 'nowhere' };
    if (controls.noCache) return this.#callAlone(request);
    if (!controls.onlyIfCached && !controls.noStore) return this.#joinOrTakeOff(request);
    const found = await this.#find(request);
    if (isAnswer(found)) return this.#give(request, found);
    return controls.onlyIfCached ? { from: 'nowhere' } : this.#callAlone(request);
  }

  /** The answer of the flight that is under way, or of one of its own. */
  async #joinOrTakeOff(request: AnswerRequest): Promise<Served> {
    const { key, limits, gone } = request;
    for (let failures = 0; failures < MOST_LEADERS; failures += 1) {
      const flight = this.#flights.get(key);
      // Nothing may be awaited in between: who comes next must find the new flight.
      if (flight === undefined) return this.#takeOff(request);
      if (flight.entry !== undefined) {
        return this.#giveEntry(request, flight.entry) ?? this.#callAlone(request);
      }
      if (flight.followers >= limits.maxFollowers) break;
      const answer = await flight.follow(limits.followerDeadlineMs, gone);
      gone.throwIfAborted();
      if (answer === 'late' || answer === 'unshareable') break;
      if (answer !== 'failed') return this.#share(request, answer) ?? this.#callAlone(request);
    }
    return this.#callAlone(request);
  }

  /** Only an answer that there is already, wherever it is. */
  async #resume(request: AnswerRequest, { id, isAsItCame }: ResumedAnswer): Promise<Served> {
    const { limits, gone } = request;
    const isWanted = ({ origin }: OriginatedHead): boolean => origin.id === id;
    const flight = this.#flights.get(request.key);
    if (flight?.entry !== undefined && isWanted(flight.entry.head)) {
      return this.#giveEntry(request, flight.entry) ?? { from: 'nowhere' };
    }
    const answer = isAsItCame ? await flight?.follow(limits.followerDeadlineMs, gone) : undefined;
    if (typeof answer === 'object' && answer.from === 'handler' && isWanted(answer.head)) {
      const shared = this.#share(request, answer);
      if (shared !== undefined) return shared;
    }
    const found = await this.#find(request);
    if (isAnswer(found) && isWanted(found.entry.head)) return this.#give(request, found);
    const party = isAsItCame ? await this.#join(request) : undefined;
    if (party?.role === 'leader') void party.leave();
    if (party?.role !== 'follower') return { from: 'nowhere' };
    const followed = await this.#answerOf(party, request, gone);
    if (typeof followed === 'string') return { from: 'nowhere' };
    if (isWanted(followed.head)) {
      return this.#follow(request, openFlight(request, nothing), followed);
    }
    stopReading(followed.chunks);
    return { from: 'nowhere' };
  }

  #share(request: AnswerRequest, answer: FlightAnswer): Served | undefined {
    if (answer.from === 'cache') return this.#giveEntry(request, answer.entry);
    const { head, chunks } = answer;
    if (!chunks.isWhole || !request.isValid(head)) return undefined;
    request.account.collapsed(answer.call);
    return { from: 'handler', head, chunks: chunks.read(false), isCollapsed: true };
  }

  /** Looks up, or asks, for everybody who comes meanwhile. */
  async #takeOff(request: AnswerRequest): Promise<Served> {
    const open = this.#open(request);
    const found = await this.#find(request);
    return isAnswer(found)
      ? this.#land(request, open, found)
      : this.#takeOffInFleet(request, open, found);
  }

  #open(request: AnswerRequest): OpenFlight {
    const { key } = request;
    const close = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    const open = openFlight(request, close);
    const { flight } = open;
    this.#flights.set(key, flight);
    return open;
  }

  #land(request: AnswerRequest, { flight, close }: OpenFlight, found: FoundEntry): Served {
    flight.land({ from: 'cache', entry: found.entry });
    close();
    return this.#give(request, found);
  }

  /** Another process may be about to have the answer. */
  async #takeOffInFleet(
    request: AnswerRequest,
    open: OpenFlight,
    fallback: FoundEntry | undefined,
  ): Promise<Served> {
    // Whoever asked may have gone while another process was waited for.
    for (let leaders = 0; leaders < MOST_LEADERS && open.flight.isWanted; leaders += 1) {
      const party = await this.#join(request);
      if (party === undefined) break;
      if (party.role === 'leader') {
        party.attend(open.flight);
        // By the leader before.
        const found = party.mayBeAnswered ? await this.#find(request) : undefined;
        if (!isAnswer(found)) return this.#call(request, open, { leader: party, fallback });
        void party.leave();
        return this.#land(request, open, found);
      }
      const answer = await this.#answerOf(party, request, open.stop);
      if (open.stop.aborted) break;
      if (typeof answer === 'object') return this.#follow(request, open, answer);
      if (answer === 'late' || answer === 'unshareable') break;
    }
    if (!open.flight.isWanted) {
      open.flight.fail('failed');
      open.close();
      request.gone.throwIfAborted();
    }
    return this.#call(request, open, { fallback });
  }

  async #join(request: AnswerRequest): Promise<Leader | Follower | undefined> {
    const { key, sealer, memory, isEpochFresh } = request;
    return isEpochFresh ? this.#fleet?.join(key, sealer, memory.name) : undefined;
  }

  async #answerOf(
    party: Follower,
    request: AnswerRequest,
    stop?: GoneSignal,
  ): Promise<LiveAnswer<OriginatedHead> | 'failed' | 'unshareable' | 'lost' | 'late'> {
    const answer = await party.answer(request.limits.followerDeadlineMs, stop);
    if (typeof answer === 'string' || request.isValid(answer.head)) return answer;
    stopReading(answer.chunks);
    return 'unshareable';
  }

  /** The answer of a call in another process, for the callers in this one. */
  #follow(
    request: AnswerRequest,
    { flight, close }: OpenFlight,
    first: LiveAnswer<OriginatedHead>,
  ): Served {
    const { protocol, body } = request;
    const { head } = first;
    const continued = continuedAnswer(first, {
      isEventStream: isKnownStream(protocol, body),
      personalFields: protocol.personalFields(body),
      askAgain: (left) => this.#askAgain(request.detached(left)),
    });
    const chunks = followChunks(request, continued);
    const reader = chunks.read(true);
    leaveWithCaller(request.gone, reader, chunks);
    const call = followedCall(request, { head, chunks, startedAt: performance.now() });
    void chunks.readFirst();
    void chunks.begun.then((hasBody) => {
      if (hasBody) flight.land({ from: 'handler', head, chunks, call });
      else flight.fail('failed');
    });
    void chunks.ended.then(close);
    request.account.collapsed(call);
    return { from: 'handler', head, chunks: reader, isCollapsed: true };
  }

  /** For an answer that has begun and lost its leader. */
  async #askAgain(request: AnswerRequest): Promise<LiveAnswer> {
    const found = await this.#find(request);
    if (isAnswer(found)) return replayed(found);
    const party = await this.#join(request);
    if (party?.role === 'follower') {
      const answer = await this.#answerOf(party, request, request.gone);
      if (typeof answer === 'object') return answer;
    }
    const leader = party?.role === 'leader' ? party : undefined;
    if (!request.canCallLate || request.gone.aborted) {
      void leader?.leave();
      throw new Error('The answer was cut with its leader.');
    }
    const served = await this.#callAlone(request, { leader });
    if (served.from !== 'handler') throw new Error('The answer was cut with its leader.');
    return served;
  }

  #callAlone(request: AnswerRequest, options?: CallOptions): Promise<Served> {
    const open = openFlight(request, nothing);
    options?.leader?.attend(open.flight);
    return this.#call(request, open, options);
  }

  async #call(
    request: AnswerRequest,
    open: OpenFlight,
    options: CallOptions = {},
  ): Promise<Served> {
    const answer = await callFor(request, open, options);
    return 'entry' in answer ? this.#land(request, open, answer) : answer;
  }

  async #find(request: AnswerRequest): Promise<FoundEntry | undefined> {
    if (!request.isEpochFresh) return undefined;
    // Whatever fails here, the call is made.
    const entry = await request.memory.find().catch(() => undefined);
    return entry && foundFor(request, entry);
  }

  /** For the usual request, the answer that needs nobody else. */
  #findNear(request: AnswerRequest): FoundEntry | undefined {
    const { isEpochFresh, isShadow, resumes, controls, memory } = request;
    if (!isEpochFresh || isShadow || resumes !== undefined || controls.noCache) return undefined;
    const entry = memory.findNear?.();
    const found = entry && foundFor(request, entry);
    return isAnswer(found) ? found : undefined;
  }

  #giveEntry(request: AnswerRequest, entry: Entry): Served | undefined {
    const answer = foundFor(request, entry);
    return answer && this.#give(request, answer);
  }

  #give(request: AnswerRequest, { entry, freshness }: FoundEntry): Served {
    const isStale = freshness === 'stale' || freshness === 'fallback';
    if (isStale) request.account.stale(entry);
    else request.account.hit(entry);
    if (freshness === 'stale' || freshness === 'ageing') void this.#renew(request, entry);
    return { from: 'cache', entry, isStale };
  }

  /** Asks for a new answer in the background, once in all processes. Never rejects. */
  async #renew(request: AnswerRequest, old: Entry): Promise<void> {
    const { key, canCallLate, limits, controls } = request;
    if (!canCallLate || controls.noStore) return;
    // Before anything is begun: the caller may read slowly.
    await request.answered?.();
    if (this.#renewals.has(key)) return;
    this.#renewals.add(key);
    const over = new AbortController();
    const deadline = setTimeout(() => over.abort(), limits.drainDeadlineMs).unref();
    try {
      const party = await this.#join(request);
      if (party?.role === 'follower') party.leave();
      if (party?.role === 'follower' || (party === undefined && this.#fleet !== undefined)) return;
      await this.#callInBackground(request.detached(over.signal), old, party);
    } catch {
      // The next one who gets the old answer tries again.
    } finally {
      clearTimeout(deadline);
      this.#renewals.delete(key);
    }
  }

  async #callInBackground(
    request: AnswerRequest,
    old: Entry,
    leader: Leader | undefined,
  ): Promise<void> {
    const present = await this.#find(request);
    if (present !== undefined && present.entry.head.origin.id !== old.head.origin.id) {
      // Somebody else was faster.
      await leader?.leave();
      return;
    }
    const served = await this.#callAlone(request, { leader });
    if (served.from !== 'handler') return;
    while ((await served.chunks.next()).done !== true);
  }
}

function foundFor(request: AnswerRequest, entry: Entry): FoundEntry | undefined {
  const { controls, memory, staleness } = request;
  const { maxAgeMs } = controls;
  if (maxAgeMs !== undefined && Date.now() - entry.storedAtMs > maxAgeMs) return undefined;
  if (!request.isValid(entry.head)) return undefined;
  // Who names an age wants nothing that is old (RFC 9111 section 5.2.1.1).
  const isStrict = memory.isInParts || maxAgeMs !== undefined || mustRevalidate(entry.head);
  const freshness = freshnessOf(entry, isStrict ? NOT_STALE : staleness);
  return freshness && { entry, freshness };
}

/** What the handler says of its answer (RFC 9111 section 4.2.4). */
const mustRevalidate = ({ headers }: OriginatedHead): boolean =>
  /(^|[\s,])(must|proxy)-revalidate([\s,]|$)/i.test(headers['cache-control'] ?? '');

const nothing = (): void => undefined;

/** Whether it answers a request without a call. */
const isAnswer = (answer: FoundEntry | undefined): answer is FoundEntry =>
  answer !== undefined && answer.freshness !== 'fallback';

function replayed({ entry: { head, frames } }: FoundEntry): LiveAnswer {
  return { head, chunks: replay(frames, { pacing: 'instant', verbatim: true }) };
}
