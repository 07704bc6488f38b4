import type { IncomingMessage, ServerResponse } from 'node:http';
import { isJsonObject } from '../json.js';
import type { Json } from '../json.js';
import { Refusal } from '../refusal.js';

const MAX_BODY_BYTES = 20 * 1024 * 1024;

export async function readJson(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    // Read to the end even so: to leave the loop would close the connection without an answer.
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (size > MAX_BODY_BYTES) throw new Refusal(413, 'The request body is too large.');
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(400, 'We could not parse the JSON body of your request.');
  }
  if (!isJsonObject(body)) {
    throw new Refusal(400, 'The body of the request must be a JSON object.');
  }
  return body;
}

export function sendJson(response: ServerResponse, body: object, status = 200): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
