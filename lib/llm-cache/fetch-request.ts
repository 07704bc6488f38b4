import { parseJson } from './json-object.js';

/** A POST with a JSON body, as `fetch` was asked for it. */
export interface JsonPost {
  readonly url: URL;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/** `undefined` for what is no POST with a JSON body in the hand of the caller. */
export async function readRequest(
  input: Parameters<typeof globalThis.fetch>[0],
  init: RequestInit | undefined,
): Promise<JsonPost | undefined> {
  const request = input instanceof Request ? input : undefined;
  const method = init?.method ?? request?.method ?? 'GET';
  if (method.toUpperCase() !== 'POST') return undefined;
  const text = await textOf(init?.body ?? request?.clone());
  const body = text === undefined ? undefined : parseJson(text);
  if (text === undefined || body === undefined) return undefined;
  return {
    url: new URL(input instanceof Request ? input.url : input),
    headers: new Headers(init?.headers ?? request?.headers),
    text,
    body,
    signal: init?.signal ?? request?.signal ?? new AbortController().signal,
  };
}

async function textOf(body: unknown): Promise<string | undefined> {
  if (typeof body === 'string') return body;
  if (ArrayBuffer.isView(body)) {
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  }
  return body instanceof Request ? body.text() : undefined;
}
