import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';

/** A function that the caller would run for the model. */
export interface Tool {
  readonly name: string;
  readonly parameters: Json;
}

export type ToolChoice = 'none' | 'auto' | 'required' | { readonly name: string };

/** The tool of a definition, in a list, which is empty for what the caller does not run. */
export function toTools(definition: unknown, schemaMember: string): Tool[] {
  if (!isJsonObject(definition) || typeof definition.name !== 'string') return [];
  const parameters = definition[schemaMember];
  return [{ name: definition.name, parameters: isJsonObject(parameters) ? parameters : {} }];
}

/** The model calls the tools that the question names, or else the first one; given a result, none. */
export function toolsToCall(
  tools: readonly Tool[],
  choice: ToolChoice,
  question: string,
  { answersResult, isParallel }: { answersResult: boolean; isParallel: boolean },
): Tool[] {
  if (choice === 'none' || (choice === 'auto' && answersResult)) return [];
  if (typeof choice === 'object') return tools.filter(({ name }) => name === choice.name);
  const named = tools.filter(({ name }) => question.includes(name));
  const wanted = named.length > 0 ? named : tools.slice(0, 1);
  return isParallel ? wanted : wanted.slice(0, 1);
}
