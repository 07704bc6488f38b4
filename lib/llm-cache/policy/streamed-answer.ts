import { StreamableFile } from '@nestjs/common';
import { hasMethod, isJsonObject } from '../json-object.js';

/**
 * Whether Nest sends `answer` as it is produced: a `StreamableFile`, Node stream, web
 * `ReadableStream` or `Response`, async iterable or generator, or a plain object around one.
 * Looks without reading, so that the answer stays untouched.
 */
export function isStreamedAnswer(answer: unknown): boolean {
  return isStream(answer) || (isJsonObject(answer) && Object.values(answer).some(isStream));
}

function isStream(value: unknown): boolean {
  return (
    value instanceof StreamableFile ||
    hasMethod(value, 'pipe') ||
    hasMethod(value, 'getReader') ||
    // As Nest does: an async iterable that is a thenable stands for what it resolves to.
    (hasMethod(value, Symbol.asyncIterator) && !hasMethod(value, 'then')) ||
    Object.prototype.toString.call(value) === '[object Response]'
  );
}
