import type { JsonObject } from '../json-object.js';
import type { OmittedFields } from '../key/canonical-json.js';
import type { UnstorableReason } from '../policy/storable.js';

/** A member of a JSON answer, or of the data of each of its server-sent events, that belongs to one caller. */
export interface PersonalField {
  /** Names from the outermost object inwards. */
  readonly path: readonly string[];
  /**
   * `id`: a string, replaced by a fresh one; `time`: Unix seconds, replaced by those of the
   * replay; `padding`: a random string against traffic analysis, replaced by an empty one.
   */
  readonly kind: 'id' | 'time' | 'padding';
}

/** What an answer tells of its tokens: only what it does tell. @publicApi */
export interface TokenUsage {
  /** Tokens of the question, with those that the provider read from or wrote to its prompt cache. */
  readonly inputTokens?: number;
  /** Tokens of the answer, with those of its thoughts. */
  readonly outputTokens?: number;
  /** The model that answered, as it calls itself. */
  readonly model?: string;
}

/** See {@link LlmProtocol.components}. @publicApi */
export type RequestComponentName =
  'model' | 'system' | 'tools' | 'schema' | 'parameters' | 'history' | 'lastMessage';

/**
 * A request taken apart, so that one can tell what differs between two of them. Each component
 * is an object with members of the body, each with the value it has there or with a part of it;
 * together they hold all of the body. A component that the request does not have is left out.
 *
 * @publicApi
 */
export type RequestComponents = Readonly<Partial<Record<RequestComponentName, JsonObject>>>;

/** Follows one answer in server-sent events. */
export interface StreamJudge {
  /** @param name of the event; `undefined` where the wire names none */
  event(name: string | undefined, data: string): void;
  /** Asked after a clean end of the stream: why the answer must not be stored. */
  verdict(): UnstorableReason | undefined;
}

/**
 * What the cache has to know of an LLM API. It does no I/O, keeps nothing between requests, and
 * may throw on nothing: `body` and answers are whatever JSON somebody sent.
 *
 * @publicApi
 */
export interface LlmProtocol {
  /** Part of the key. */
  readonly name: string;
  /** LiteLLM's names for it, see the option `supportedCallTypes`. */
  readonly callTypes: readonly string[];
  /** Whether this is a request of this API. @param path without query, in lower case, no slash at its end */
  recognises(path: string, body: JsonObject): boolean;
  /** What does not change the answer. A deny-list: a parameter that nobody classified is part of the key. */
  readonly omitted: OmittedFields;
  /** Why no cache may answer this request. */
  bypass(body: JsonObject): 'stateful' | 'hosted-tool' | undefined;
  /** Whether the answer is asked for in pieces. */
  asksForStream(body: JsonObject): boolean;
  /**
   * Why a complete JSON answer must not be stored.
   *
   * @param request `undefined` when only the answer looks like one of this API
   */
  judge(answer: unknown, request?: JsonObject): UnstorableReason | undefined;
  /** For an answer in server-sent events. */
  judgeStream(request?: JsonObject): StreamJudge;
  /**
   * What one JSON answer, or the data of one event of a stream, tells of the tokens of the whole
   * answer so far. @default hits of this API save unknown numbers of tokens
   */
  usage?(answer: JsonObject): TokenUsage | undefined;
  /**
   * Takes a request apart, to tell why it was a miss. What is omitted from the key may stay in.
   *
   * Instructions to the model are `system`; the last message, or else the whole question, is
   * `lastMessage`; the messages before it are `history`; the form of the answer is `schema`; what
   * has no other place is `parameters`. @default all of the body is `parameters`
   */
  components?(body: JsonObject): RequestComponents;
  /** What each caller gets anew on a hit. */
  personalFields(body: JsonObject): readonly PersonalField[];
}
