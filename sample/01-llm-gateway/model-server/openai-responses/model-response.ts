import { freshId, unixSeconds } from '../fresh-id.js';
import type { Json } from '../json.js';
import { countTokens } from '../model/prompt.js';
import { replyTo } from '../model/reply.js';
import { requireModel } from '../openai/parameters.js';
import { doneItem, toOutputItem } from './output-item.js';
import type { OutputItem } from './output-item.js';
import { responsePrompt } from './response-prompt.js';

/** One answer of the model, not yet written as JSON or as a stream. */
export interface ModelResponse {
  readonly output: readonly OutputItem[];
  readonly isCut: boolean;
  readonly tokenCount: number;
  /** The response before its first token. */
  readonly begun: Json;
  readonly done: Json;
}

export function respond(body: Json): ModelResponse {
  const model = requireModel(body);
  const prompt = responsePrompt(body);
  const { parts, isCut, tokenCount } = replyTo(prompt);
  const output = parts.map(toOutputItem);
  const begun = {
    id: freshId('resp_'),
    object: 'response',
    created_at: unixSeconds(),
    status: 'in_progress',
    background: false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: 'default',
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: body.text ?? { format: { type: 'text' }, verbosity: 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    usage: null,
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
  return {
    output,
    isCut,
    tokenCount,
    begun,
    done: {
      ...begun,
      ...(isCut
        ? { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
        : { status: 'completed', completed_at: unixSeconds() }),
      output: output.map((item) => doneItem(item, isCut && item === output.at(-1))),
      usage: usageOf(countTokens(prompt), tokenCount),
    },
  };
}

function usageOf(input: number, output: number): Json {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  };
}
