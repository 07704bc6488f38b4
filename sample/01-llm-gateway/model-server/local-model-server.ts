import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Api } from './api.js';
import { freshId } from './fresh-id.js';
import { sendEvents } from './http/event-stream.js';
import { readJson, sendJson } from './http/json-http.js';
import { Pace } from './model/pace.js';
import type { PaceOptions } from './model/pace.js';
import { Refusal } from './refusal.js';
import { apiOf, conventionsOf, pathOf } from './routes.js';

/** A model server on loopback that speaks the APIs of OpenAI and Anthropic, without a model. */
export interface LocalModelServer {
  /** For the `baseURL` of an OpenAI client, e.g. `http://127.0.0.1:40123/v1`; Anthropic's adds the `/v1`. */
  readonly url: string;
  /** Requests seen so far. */
  readonly requests: number;
  close(): Promise<void>;
}

/** Starts the model server on a free port of 127.0.0.1. */
export async function startLocalModelServer(pace: PaceOptions = {}): Promise<LocalModelServer> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    void answer(request, response, pace);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    get requests() {
      return requests;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  pace: PaceOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { method = '', url = '' } = request;
  const path = pathOf(url);
  const { errorBody, requestIdHeader } = conventionsOf(path);
  response.setHeader(requestIdHeader, freshId('req_'));
  try {
    await send(apiOf(method, path), request, response, pace, gone.signal);
  } catch (error) {
    if (gone.signal.aborted) return;
    const refusal =
      error instanceof Refusal
        ? error
        : new Refusal(500, 'The local model server failed to answer.');
    if (response.headersSent) response.destroy();
    else sendJson(response, errorBody(refusal), refusal.status);
  }
}

async function send(
  api: Api,
  request: IncomingMessage,
  response: ServerResponse,
  paceOptions: PaceOptions,
  signal: AbortSignal,
): Promise<void> {
  const body = request.method === 'POST' ? await readJson(request) : {};
  const { json, events, tokenCount = 0, firstTokenShare } = api({ headers: request.headers, body });
  // The question alone, so that a stream is as fast as the JSON.
  const question = JSON.stringify(body.messages ?? body.input ?? '');
  const pace = new Pace(question, paceOptions, signal, firstTokenShare);
  if (body.stream === true && events) return sendEvents(response, events(pace));
  await pace.tokens(tokenCount);
  sendJson(response, json);
}
