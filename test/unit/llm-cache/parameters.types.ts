import type { MessageCreateParams as BetaMessageCreateParams } from '@anthropic-ai/sdk/resources/beta/messages';
import type { MessageCreateParams } from '@anthropic-ai/sdk/resources/messages';
import type { ChatCompletionCreateParamsBase } from 'openai/resources/chat/completions';
import type { CompletionCreateParamsBase } from 'openai/resources/completions';
import type { EmbeddingCreateParams } from 'openai/resources/embeddings';
import type { ResponseCreateParamsBase } from 'openai/resources/responses/responses';

/**
 * What the cache does with a parameter. `semantic`: it counts for the key; `omitted`: it does
 * not; `bypass`: the request is not looked up.
 */
export type Treatment = 'semantic' | 'omitted' | 'bypass';

/** Of all members of a union; `never`, which nothing satisfies, where any name would do. */
type NamesOf<T> = T extends unknown ? (string extends keyof T ? never : keyof T) : never;

/** A parameter that a new SDK brings, or takes away, does not compile before it is looked at. */
type Treatments<Request> = Readonly<Record<NamesOf<Request>, Treatment>>;

export const CHAT_PARAMETERS = {
  audio: 'semantic',
  frequency_penalty: 'semantic',
  function_call: 'semantic',
  functions: 'semantic',
  logit_bias: 'semantic',
  logprobs: 'semantic',
  max_completion_tokens: 'semantic',
  max_tokens: 'semantic',
  messages: 'semantic',
  metadata: 'omitted',
  modalities: 'semantic',
  model: 'semantic',
  moderation: 'semantic',
  n: 'semantic',
  parallel_tool_calls: 'semantic',
  prediction: 'semantic',
  presence_penalty: 'semantic',
  prompt_cache_key: 'omitted',
  prompt_cache_options: 'omitted',
  prompt_cache_retention: 'omitted',
  reasoning_effort: 'semantic',
  response_format: 'semantic',
  safety_identifier: 'omitted',
  seed: 'semantic',
  service_tier: 'omitted',
  stop: 'semantic',
  store: 'omitted',
  stream: 'semantic',
  stream_options: 'semantic',
  temperature: 'semantic',
  tool_choice: 'semantic',
  tools: 'semantic',
  top_logprobs: 'semantic',
  top_p: 'semantic',
  user: 'omitted',
  verbosity: 'semantic',
  web_search_options: 'bypass',
} as const satisfies Treatments<ChatCompletionCreateParamsBase>;

export const TEXT_PARAMETERS = {
  best_of: 'semantic',
  echo: 'semantic',
  frequency_penalty: 'semantic',
  logit_bias: 'semantic',
  logprobs: 'semantic',
  max_tokens: 'semantic',
  model: 'semantic',
  n: 'semantic',
  presence_penalty: 'semantic',
  prompt: 'semantic',
  seed: 'semantic',
  stop: 'semantic',
  stream: 'semantic',
  stream_options: 'semantic',
  suffix: 'semantic',
  temperature: 'semantic',
  top_p: 'semantic',
  user: 'omitted',
} as const satisfies Treatments<CompletionCreateParamsBase>;

export const RESPONSE_PARAMETERS = {
  background: 'bypass',
  context_management: 'semantic',
  conversation: 'bypass',
  include: 'semantic',
  input: 'semantic',
  instructions: 'semantic',
  max_output_tokens: 'semantic',
  metadata: 'semantic',
  model: 'semantic',
  moderation: 'semantic',
  parallel_tool_calls: 'semantic',
  previous_response_id: 'bypass',
  prompt: 'semantic',
  prompt_cache_key: 'semantic',
  prompt_cache_options: 'semantic',
  prompt_cache_retention: 'semantic',
  reasoning: 'semantic',
  safety_identifier: 'semantic',
  service_tier: 'semantic',
  store: 'semantic',
  stream: 'semantic',
  stream_options: 'semantic',
  temperature: 'semantic',
  text: 'semantic',
  tool_choice: 'semantic',
  tools: 'semantic',
  top_logprobs: 'semantic',
  top_p: 'semantic',
  truncation: 'semantic',
  user: 'semantic',
} as const satisfies Treatments<ResponseCreateParamsBase>;

export const EMBEDDING_PARAMETERS = {
  dimensions: 'semantic',
  encoding_format: 'semantic',
  input: 'semantic',
  model: 'semantic',
  user: 'omitted',
} as const satisfies Treatments<EmbeddingCreateParams>;

export const MESSAGE_PARAMETERS = {
  cache_control: 'omitted',
  container: 'bypass',
  diagnostics: 'semantic',
  inference_geo: 'semantic',
  max_tokens: 'semantic',
  messages: 'semantic',
  metadata: 'omitted',
  model: 'semantic',
  output_config: 'semantic',
  service_tier: 'omitted',
  speed: 'semantic',
  stop_sequences: 'semantic',
  stream: 'semantic',
  system: 'semantic',
  thinking: 'semantic',
  tool_choice: 'semantic',
  tools: 'semantic',
  // The SDK sends these two as headers.
  user_profile_id: 'semantic',
  workspace_id: 'semantic',
} as const satisfies Treatments<MessageCreateParams>;

/** Beside {@link MESSAGE_PARAMETERS}. */
export const BETA_MESSAGE_PARAMETERS = {
  // The SDK sends these as a header.
  betas: 'semantic',
  billing_policy: 'semantic',
  compaction: 'semantic',
  context_management: 'semantic',
  fallback_credit_token: 'semantic',
  fallbacks: 'semantic',
  mcp_servers: 'bypass',
  output_format: 'semantic',
  thread: 'bypass',
} as const satisfies Omit<Treatments<BetaMessageCreateParams>, keyof typeof MESSAGE_PARAMETERS>;
