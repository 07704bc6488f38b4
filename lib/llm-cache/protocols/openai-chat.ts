import { isSet } from './answer-data.js';
import type { LlmProtocol, PersonalField } from './llm-protocol.interface.js';
import { ChoicesStreamJudge, choicesWanted, judgeChoices } from './openai-choices.js';
import { OMITTED_FROM_OPENAI } from './openai-parameters.js';
import { asksForStream, hasHostedTool, isStateful } from './request-members.js';

const PERSONAL: readonly PersonalField[] = [
  { path: ['id'], kind: 'id' },
  { path: ['created'], kind: 'time' },
  { path: ['obfuscation'], kind: 'padding' },
];

/** OpenAI's chat completions, and what speaks like them. */
export const openAiChat: LlmProtocol = {
  name: 'openai-chat',
  callTypes: ['completion', 'acompletion'],
  recognises: (path, body) => path.endsWith('/chat/completions') && 'messages' in body,
  omitted: OMITTED_FROM_OPENAI,
  bypass: (body) => {
    if (isStateful(body)) return 'stateful';
    // Gateways take the hosted tools of other APIs.
    const isHosted = isSet(body['web_search_options']) || hasHostedTool(body['tools']);
    return isHosted ? 'hosted-tool' : undefined;
  },
  asksForStream,
  judge: judgeChoices,
  judgeStream: (request) => new ChoicesStreamJudge(choicesWanted(request)),
  personalFields: () => PERSONAL,
};

/** OpenAI's older text completions. */
export const openAiText: LlmProtocol = {
  ...openAiChat,
  name: 'openai-text',
  callTypes: ['text_completion', 'atext_completion'],
  recognises: (path, body) =>
    path.endsWith('/completions') && !path.endsWith('/chat/completions') && 'prompt' in body,
};
