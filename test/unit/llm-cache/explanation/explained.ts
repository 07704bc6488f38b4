import { createHmac } from 'node:crypto';
import {
  requestDigests,
  type RequestDigests,
} from '../../../../lib/llm-cache/explanation/component-digests.js';
import { difference } from '../../../../lib/llm-cache/explanation/difference.js';
import type { ExplainedRequest } from '../../../../lib/llm-cache/explanation/explained-request.js';
import type { JsonObject } from '../../../../lib/llm-cache/json-object.js';
import { openAiChat } from '../../../../lib/llm-cache/protocols/openai-chat.js';
import type { LlmProtocol } from '../../../../lib/llm-cache/protocols/llm-protocol.interface.js';

export const digest = (text: string): Buffer =>
  createHmac('sha256', 'secret of the test').update(text).digest();

export function explained(
  body: JsonObject,
  {
    protocol = openAiChat,
    ...more
  }: Partial<Omit<ExplainedRequest, 'protocol'>> & { readonly protocol?: LlmProtocol } = {},
): ExplainedRequest {
  return {
    route: 'POST /v1/chat/completions',
    principal: 'alice',
    epoch: '0',
    policy: 'private, 3600 s',
    protocol,
    omitted: protocol.omitted,
    body,
    ...more,
  };
}

export function digestsOf(request: ExplainedRequest): RequestDigests {
  const digests = requestDigests(request, digest);
  if (digests === undefined) throw new Error('Expected a request that has digests.');
  return digests;
}

export const differenceOf = (one: ExplainedRequest, other: ExplainedRequest): string[] =>
  difference(digestsOf(one).components, digestsOf(other).components);
