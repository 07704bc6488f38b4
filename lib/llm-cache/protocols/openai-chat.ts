import { isJsonObject } from '../json-object.js';
import { isSet } from './answer-data.js';
import type { LlmProtocol, PersonalField } from './llm-protocol.interface.js';
import { ChoicesStreamJudge, choicesWanted, judgeChoices } from './openai-choices.js';
import { OMITTED_FROM_OPENAI } from './openai-parameters.js';
import { OPENAI_OWNERS, takeApart, type RequestShape } from './request-components.js';
import { asksForStream, hasHostedTool, isStateful } from './request-members.js';
import { tokenUsage } from './token-usage.js';

const PERSONAL: readonly PersonalField[] = [
  { path: ['id'], kind: 'id' },
  { path: ['created'], kind: 'time' },
  { path: ['obfuscation'], kind: 'padding' },
];

const SHAPE: RequestShape = {
  owners: new Map([...OPENAI_OWNERS, ['messages', 'lastMessage']]),
  messages: 'messages',
};

const TEXT_SHAPE: RequestShape = { owners: new Map([...OPENAI_OWNERS, ['prompt', 'lastMessage']]) };

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
  usage: ({ usage, model }) => {
    const { prompt_tokens: input, completion_tokens: output } = isJsonObject(usage) ? usage : {};
    return tokenUsage(input, output, model);
  },
  components: (body) => takeApart(body, SHAPE),
  personalFields: () => PERSONAL,
};

/** OpenAI's older text completions. */
export const openAiText: LlmProtocol = {
  ...openAiChat,
  name: 'openai-text',
  callTypes: ['text_completion', 'atext_completion'],
  recognises: (path, body) =>
    path.endsWith('/completions') && !path.endsWith('/chat/completions') && 'prompt' in body,
  components: (body) => takeApart(body, TEXT_SHAPE),
};
