import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export async function sendEvents(
  response: ServerResponse,
  events: AsyncIterable<string>,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  await pipeline(Readable.from(events), response);
}

/** An event that the wire names as its data does. */
export function namedEvent(type: string, fields: object): string {
  return `event: ${type}\n${dataEvent({ type, ...fields })}`;
}

export function dataEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
