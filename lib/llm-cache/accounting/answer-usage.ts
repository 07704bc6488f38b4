import { isJsonObject, parseJson, type JsonObject } from '../json-object.js';
import type { LlmProtocol, TokenUsage } from '../protocols/llm-protocol.interface.js';
import { ServerSentEvents } from '../protocols/server-sent-events.js';
import { tokenUsage } from '../protocols/token-usage.js';
import type { Frame } from '../recording/entry.js';

/** A stream tells its model and its input at its start, its output at its end. */
const FIRST_FRAMES = 16;
const LAST_FRAMES = 48;

/** Most bytes of one answer that are searched: 4 MiB. */
const MAX_SEARCHED_BYTES = 4 * 1024 * 1024;

/**
 * What a recorded answer tells of its tokens, of several numbers the last one. What it does not
 * tell within the bounds is left out, never estimated. Meant for the time of the recording: it
 * parses the answer once more.
 */
export function answerUsage(
  frames: readonly Frame[],
  protocol: Pick<LlmProtocol, 'usage'>,
): TokenUsage {
  let usage: TokenUsage = {};
  let bytesLeft = MAX_SEARCHED_BYTES;
  // From the end, where most streams tell everything.
  for (const frame of bothEnds(frames).toReversed()) {
    if (isWhole(usage)) break;
    if (frame.bytes.length > bytesLeft) continue;
    bytesLeft -= frame.bytes.length;
    usage = { ...usageOf(dataOf(frame), protocol), ...usage };
  }
  return usage;
}

function bothEnds(frames: readonly Frame[]): readonly Frame[] {
  return frames.length <= FIRST_FRAMES + LAST_FRAMES
    ? frames
    : [...frames.slice(0, FIRST_FRAMES), ...frames.slice(-LAST_FRAMES)];
}

const isWhole = ({ inputTokens, outputTokens, model }: TokenUsage): boolean =>
  inputTokens !== undefined && outputTokens !== undefined && model !== undefined;

function dataOf({ form, bytes }: Frame): JsonObject | undefined {
  const text = bytes.toString();
  const data = parseJson(form === 'event' ? text.slice(text.indexOf('\n') + 1) : text);
  // A frame of a byte stream is one event of it, or a whole JSON text.
  const value = data === undefined && form !== 'event' ? parseJson(eventDataOf(bytes)) : data;
  return isJsonObject(value) ? value : undefined;
}

function eventDataOf(bytes: Buffer): string {
  const reader = new ServerSentEvents();
  const [event = reader.end()] = reader.push(bytes);
  return event?.data ?? '';
}

/** A protocol of the user's may throw, or tell what cannot be. */
function usageOf(
  data: JsonObject | undefined,
  protocol: Pick<LlmProtocol, 'usage'>,
): TokenUsage | undefined {
  if (data === undefined) return undefined;
  try {
    const usage = protocol.usage?.(data);
    return usage && tokenUsage(usage.inputTokens, usage.outputTokens, usage.model);
  } catch {
    // Its answer is as good as one that tells nothing.
    return undefined;
  }
}
