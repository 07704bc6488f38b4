import { isJsonObject, parseJson, type JsonObject } from '../json-object.js';
import { isStorableStatus, type UnstorableReason } from '../policy/storable.js';
import type { AnswerHead, AnswerOrigin, LiveAnswer } from '../recording/answer.js';
import type { AnswerMemory, Ask } from '../recording/answer-memory.js';
import { bytesOf, once, toWire } from '../recording/chunk.js';
import type { Entry } from '../recording/entry.js';
import type { RecordedAnswers } from '../recording/recorded-answers.js';
import {
  readEmbeddingAnswer,
  renderEmbeddingAnswer,
  type EmbeddingAnswer,
} from './embedding-answer.js';
import { requestFor, type SplitEmbeddingRequest } from './embedding-request.js';
import { mergeVectors } from './merged-vectors.js';
import {
  decodeStoredVector,
  encodeStoredVector,
  tokenShares,
  type StoredVector,
} from './stored-vector.js';

/** An answer of the upstream that was read to its end. */
interface ReadAnswer {
  readonly head: AnswerHead;
  readonly bytes: Buffer;
  readonly json: unknown;
}

const NO_ORIGIN: AnswerOrigin = { id: '', epoch: '' };

/** Larger than any answer of 2048 vectors. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * Embeddings by input: what is stored comes from the store, the rest from the upstream, and the
 * answer is put together in the order of the request.
 */
export class EmbeddingMemory implements AnswerMemory {
  readonly name = undefined;
  readonly isInParts = true;
  readonly #body: JsonObject;
  readonly #request: SplitEmbeddingRequest;
  readonly #keys: readonly string[];
  readonly #answers: RecordedAnswers;
  readonly #headOfHit: AnswerHead;
  readonly #maxAgeMs: number;
  #stored: readonly (StoredVector | undefined)[] = [];
  /** Whether the answer is given as it came, whatever is stored. */
  #isPassedOn = false;
  #fresh: { readonly keys: readonly string[]; readonly answer: EmbeddingAnswer } | undefined;

  /**
   * @param keys of the items
   * @param headOfHit of an answer that the upstream had no part in
   * @param maxAgeMs older vectors are asked for anew
   */
  constructor(
    body: JsonObject,
    request: SplitEmbeddingRequest,
    keys: readonly string[],
    answers: RecordedAnswers,
    headOfHit: AnswerHead,
    maxAgeMs: number = Infinity,
  ) {
    this.#body = body;
    this.#request = request;
    this.#keys = keys;
    this.#answers = answers;
    this.#headOfHit = headOfHit;
    this.#maxAgeMs = maxAgeMs;
  }

  get isPartial(): boolean {
    return this.#stored.some((vector) => vector !== undefined);
  }

  get isRebuilt(): boolean {
    return this.#fresh !== undefined && !this.#isPassedOn;
  }

  async find(): Promise<Entry | undefined> {
    const found = await this.#answers.findMany(this.#keys, decodeStoredVector);
    const oldestMs = Date.now() - this.#maxAgeMs;
    this.#stored = found.map((vector) =>
      vector !== undefined && vector.storedAtMs >= oldestMs ? vector : undefined,
    );
    if (this.#stored.includes(undefined)) return undefined;
    const merged = mergeVectors(this.#request.positions, this.#stored);
    if (merged === undefined) return undefined;
    const known = this.#stored.filter((vector) => vector !== undefined);
    const tokens = sumOf(known.map((vector) => vector.tokens));
    const answer = renderEmbeddingAnswer({ ...merged, tokens, rest: {} }, this.#request.format);
    const bytes = Buffer.from(JSON.stringify(answer));
    const storedAtMs = Math.min(...known.map((one) => one.storedAtMs));
    return {
      storedAtMs,
      // Until the first of them ends.
      ttlMs: Math.min(...known.map((one) => one.storedAtMs + one.ttlMs)) - storedAtMs,
      tookMs: Math.max(...known.map(({ tookMs }) => tookMs)),
      usage: {
        ...(tokens !== undefined && { inputTokens: tokens, outputTokens: 0 }),
        ...(merged.model !== undefined && { model: merged.model }),
      },
      head: {
        ...this.#headOfHit,
        status: known.at(-1)?.status ?? this.#headOfHit.status,
        // The keys of its parts tell what has been invalidated.
        origin: NO_ORIGIN,
      },
      frames: [{ form: 'json', bytes, atMs: 0, personal: [] }],
    };
  }

  async call(ask: Ask, isPassedOn = false): Promise<LiveAnswer | UnstorableReason> {
    if (isPassedOn) return this.#passOn(ask);
    const { items, positions } = this.#request;
    // Those that are there cannot be given: of several models, or past their lifetime.
    if (!this.#stored.includes(undefined)) this.#stored = [];
    const missing = items.filter((_item, index) => this.#stored[index] === undefined);
    const isWhole = missing.length === positions.length;
    const answer = await readWhole(
      await ask(isWhole ? undefined : requestFor(this.#body, missing)),
    );
    if (typeof answer === 'string') return answer;
    if (!isStorableStatus(answer.head.status)) return passedOn(answer);
    const merged = this.#mergeMissing(answer) ?? this.#mergeAll(answer);
    if (merged !== undefined || isWhole) return merged ?? passedOn(answer);
    // The vectors do not fit those in the store: another model by the same name. All anew.
    this.#stored = [];
    const whole = await readWhole(await ask(this.#body));
    if (typeof whole === 'string') return whole;
    return this.#mergeAll(whole) ?? passedOn(whole);
  }

  /** Its vectors are recorded all the same. */
  async #passOn(ask: Ask): Promise<LiveAnswer | UnstorableReason> {
    this.#isPassedOn = true;
    const answer = await readWhole(await ask());
    if (typeof answer === 'string') return answer;
    if (isStorableStatus(answer.head.status)) this.#mergeAll(answer);
    return passedOn(answer);
  }

  async record({ storedAtMs, ttlMs, tookMs, head }: Entry): Promise<void> {
    if (this.#fresh === undefined) return;
    const { keys, answer } = this.#fresh;
    const shares = tokenShares(answer.tokens, keys.length);
    await Promise.all(
      answer.vectors.map(async (vector, index) => {
        const [key, tokens] = [keys[index], shares[index]];
        if (key === undefined) return;
        const { status } = head;
        const stored = { vector, model: answer.model, tokens, status, storedAtMs, ttlMs, tookMs };
        await this.#answers.recordBytes(key, encodeStoredVector(key, stored), ttlMs);
      }),
    );
  }

  async delete(): Promise<boolean> {
    const deleted = await Promise.all(this.#keys.map((key) => this.#answers.delete(key)));
    return deleted.includes(true);
  }

  /** The upstream was asked for what the store did not have. */
  #mergeMissing({ head, json }: ReadAnswer): LiveAnswer | undefined {
    const keys = this.#keys.filter((_key, index) => this.#stored[index] === undefined);
    const answer = readEmbeddingAnswer(json, keys.length);
    return answer && this.#merge(head, keys, answer);
  }

  /** The handler may have forwarded the whole request whatever it was told. */
  #mergeAll({ head, json }: ReadAnswer): LiveAnswer | undefined {
    const { items, positions } = this.#request;
    const answer = readEmbeddingAnswer(json, positions.length);
    if (answer === undefined) return undefined;
    const vectors = items.flatMap((_item, index) => answer.vectors[positions.indexOf(index)] ?? []);
    this.#stored = items.map(() => undefined);
    return this.#merge(head, this.#keys, { ...answer, vectors });
  }

  #merge(
    head: AnswerHead,
    keys: readonly string[],
    answer: EmbeddingAnswer,
  ): LiveAnswer | undefined {
    const { positions, items, format } = this.#request;
    const stored = this.#stored.length === 0 ? items.map(() => undefined) : this.#stored;
    const merged = mergeVectors(positions, stored, answer);
    if (merged === undefined) return undefined;
    this.#fresh = { keys, answer };
    const tokens = sumOf([answer.tokens, ...stored.map((hit) => (hit ? hit.tokens : 0))]);
    return liveJson(head, renderEmbeddingAnswer({ ...answer, ...merged, tokens }, format));
  }
}

/** What all inputs cost when they were asked for; `undefined` if that of any is not known. */
function sumOf(tokens: readonly (number | undefined)[]): number | undefined {
  return tokens.reduce<number | undefined>(
    (sum, each) => (sum === undefined || each === undefined ? undefined : sum + each),
    0,
  );
}

async function readWhole(
  live: LiveAnswer | UnstorableReason,
): Promise<ReadAnswer | UnstorableReason> {
  if (typeof live === 'string') return live;
  const parts: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await live.chunks.next();
    if (done === true) break;
    const wire = toWire(value);
    if (wire === undefined) return 'not-json';
    parts.push(bytesOf(wire));
    size += parts.at(-1)?.length ?? 0;
    if (size > MAX_ANSWER_BYTES)
      throw new Error('The answer to an embeddings request is too large.');
  }
  const bytes = Buffer.concat(parts);
  return { head: live.head, bytes, json: parseJson(bytes.toString()) };
}

/** An answer that is none of embeddings: as it came. */
function passedOn({ head, bytes, json }: ReadAnswer): LiveAnswer {
  return isJsonObject(json) ? liveJson(head, json) : { head, chunks: once(bytes) };
}

function liveJson(head: AnswerHead, json: object): LiveAnswer {
  return { head, chunks: once(head.kind === 'value' ? json : Buffer.from(JSON.stringify(json))) };
}
