import { isJsonObject } from '../json-object.js';
import { bytesOf, type Chunk, type WireChunk } from './chunk.js';

/** An event as an `@Sse()` handler emits it: an object with `data`, or anything else as the data. */
export interface EmittedEvent {
  readonly name: string | undefined;
  /** JSON of all but the data, and of how they go back into the event. */
  readonly meta: string;
  readonly data: string;
}

export function takeEventApart(wire: WireChunk): EmittedEvent {
  const event: unknown = wire.form === 'json' ? JSON.parse(wire.text) : bytesOf(wire).toString();
  if (!isJsonObject(event)) {
    const isText = typeof event === 'string';
    const data = isText ? event : JSON.stringify(event);
    return { name: undefined, meta: JSON.stringify({ dataIs: isText ? 'all' : 'value' }), data };
  }
  const { data, ...rest } = event;
  const { type } = rest;
  const dataIs = data === undefined ? 'absent' : typeof data === 'string' ? 'text' : 'json';
  return {
    name: typeof type === 'string' ? type : undefined,
    meta: JSON.stringify({ rest, dataIs }),
    data: typeof data === 'string' ? data : (JSON.stringify(data) ?? ''),
  };
}

/** One text, whose data begin behind the first line feed. */
export const eventText = ({ meta, data }: EmittedEvent): string => `${meta}\n${data}`;

export function putEventTogether(text: string): Chunk {
  const end = text.indexOf('\n');
  const meta: unknown = JSON.parse(text.slice(0, end));
  const data = text.slice(end + 1);
  const { rest, dataIs } = isJsonObject(meta) ? meta : {};
  switch (dataIs) {
    case 'all':
      return data;
    case 'value':
      return JSON.parse(data);
    case 'text':
      return { ...(isJsonObject(rest) && rest), data };
    case 'json':
      return { ...(isJsonObject(rest) && rest), data: JSON.parse(data) };
    default:
      return rest;
  }
}
