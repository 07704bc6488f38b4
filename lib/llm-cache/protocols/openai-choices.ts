import { isJsonObject, type JsonObject } from '../json-object.js';
import type { UnstorableReason } from '../policy/storable.js';
import { isEmptyOutput, isError, isSet } from './answer-data.js';
import type { StreamJudge } from './llm-protocol.interface.js';
import { readStreamEvent } from './stream-event.js';

/** The model came to its own end; it was not cut, filtered or refused. */
const FINISHED: ReadonlySet<unknown> = new Set(['stop', 'tool_calls', 'function_call']);

const OUTPUTS = ['content', 'tool_calls', 'function_call', 'audio'] as const;

/** How many choices were asked for. */
export const choicesWanted = (request: JsonObject = {}): number =>
  typeof request['n'] === 'number' ? request['n'] : 1;

/** Every choice has to be whole: none is asked for that the caller does not want. */
export function judgeChoices(answer: unknown, request?: JsonObject): UnstorableReason | undefined {
  if (!isJsonObject(answer)) return 'not-json';
  if (isError(answer)) return 'error';
  const { choices } = answer;
  if (!Array.isArray(choices) || choices.length === 0) return 'empty';
  for (const choice of choices) {
    const reason = isJsonObject(choice) ? judgeChoice(choice) : 'not-json';
    if (reason !== undefined) return reason;
  }
  return choices.length < choicesWanted(request) ? 'unfinished' : undefined;
}

function judgeChoice(choice: JsonObject): UnstorableReason | undefined {
  const message = isJsonObject(choice['message']) ? choice['message'] : {};
  if (!FINISHED.has(choice['finish_reason']) || isRefused(message)) return 'unfinished';
  return hasOutput(choice, message) ? undefined : 'empty';
}

const isRefused = ({ refusal }: JsonObject): boolean => !isEmptyOutput(refusal);

const hasOutput = ({ text }: JsonObject, message: JsonObject): boolean =>
  !isEmptyOutput(text) || OUTPUTS.some((name) => !isEmptyOutput(message[name]));

interface StreamedChoice {
  hasOutput: boolean;
  isFinished: boolean;
}

/** Chunks of choices that may be interleaved, each with its own finish reason, then `[DONE]`. */
export class ChoicesStreamJudge implements StreamJudge {
  readonly #choices = new Map<number, StreamedChoice>();
  #isDone = false;
  #hasFailed = false;
  /** Cut, filtered or refused; Azure's asynchronous filter may say so behind a `stop`. */
  #isUnwanted = false;
  readonly #wanted: number;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  event(name: string | undefined, data: string): void {
    if (this.#isDone) return;
    const chunk = readStreamEvent(name, data);
    if (chunk === 'done') this.#isDone = true;
    else if (chunk === 'error') this.#hasFailed = true;
    else if (chunk !== 'nothing' && Array.isArray(chunk['choices'])) {
      for (const choice of chunk['choices']) if (isJsonObject(choice)) this.#add(choice);
    }
  }

  verdict(): UnstorableReason | undefined {
    if (this.#hasFailed) return 'error';
    const choices = [...this.#choices.values()];
    const isWhole = this.#isDone && choices.every(({ isFinished }) => isFinished);
    if (!isWhole || this.#isUnwanted) return 'unfinished';
    if (choices.length > 0 && choices.length < this.#wanted) return 'unfinished';
    return choices.length > 0 && choices.every((choice) => choice.hasOutput) ? undefined : 'empty';
  }

  #add(choice: JsonObject): void {
    const { finish_reason: finishReason } = choice;
    const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
    const delta = isJsonObject(choice['delta']) ? choice['delta'] : {};
    const known = this.#choices.get(index) ?? { hasOutput: false, isFinished: false };
    const isEnd = isSet(finishReason);
    const isWanted = FINISHED.has(finishReason);
    this.#isUnwanted ||= isRefused(delta) || (isEnd && !isWanted);
    this.#choices.set(index, {
      hasOutput: known.hasOutput || hasOutput(choice, delta),
      isFinished: known.isFinished || isWanted,
    });
  }
}
