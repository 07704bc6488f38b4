import { isJsonObject, type JsonObject } from '../json-object.js';
import { isSet } from './answer-data.js';

/** The answer depends on what the provider remembers, or comes later. */
const STATEFUL = ['background', 'conversation', 'previous_response_id', 'container', 'thread'];

/** Run by the caller; every other tool is run by the provider, whose results change. */
const TOOLS_OF_THE_CALLER: ReadonlySet<unknown> = new Set(['function', 'custom', 'local_shell']);

export const isStateful = (body: JsonObject): boolean => STATEFUL.some((name) => isSet(body[name]));

/** For OpenAI's tools, which all have a type. */
export const hasHostedTool = (tools: unknown): boolean =>
  Array.isArray(tools) &&
  tools.some((tool) => isJsonObject(tool) && !TOOLS_OF_THE_CALLER.has(tool['type']));

export const asksForStream = (body: JsonObject): boolean => body['stream'] === true;
