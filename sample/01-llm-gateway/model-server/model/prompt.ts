import type { Json } from '../json.js';
import type { Tool } from './tool.js';
import { tokenize } from './tokens.js';

/** What the model is asked, whichever API it is asked through. */
export interface Prompt {
  /** The text of every message, oldest first. */
  readonly texts: readonly string[];
  /** Everything that the answer depends on. */
  readonly content: string;
  /** What the model is going to call; without any it answers in words. */
  readonly toolsToCall: readonly Tool[];
  readonly format: AnswerFormat;
  readonly thinks: boolean;
  readonly maxTokens: number;
}

export type AnswerFormat = 'text' | 'json' | { readonly schema: Json };

export function countTokens({ texts }: Prompt): number {
  return texts.reduce((sum, text) => sum + 4 + tokenize(text).length, 3);
}
