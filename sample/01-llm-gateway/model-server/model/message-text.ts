import { isJsonObject } from '../json.js';

/** The text of a message's content, a string or a list of parts; images and audio have none. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => {
      if (!isJsonObject(part)) return '';
      // The content of a tool's result has parts of its own.
      return typeof part.text === 'string' ? part.text : textOf(part.content);
    })
    .join('\n');
}
