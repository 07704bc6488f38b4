import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { completeChat, toJson } from './chat-completion.js';
import { toEvents } from './chat-stream.js';
import { embed } from './embedding.js';
import { isJsonObject, readJson, sendJson } from './json-http.js';
import type { Json } from './json-http.js';
import { OpenAiError } from './open-ai-error.js';
import { Pace } from './pace.js';
import type { PaceOptions } from './pace.js';

const EMBEDDING_LATENCY_SHARE = 0.15;

/** A model server on loopback that speaks OpenAI's API, without a model. */
export interface LocalModelServer {
  /** For the `baseURL` of an OpenAI client, e.g. `http://127.0.0.1:40123/v1`. */
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
  try {
    await route(request, response, pace, gone.signal);
  } catch (error) {
    if (gone.signal.aborted) return;
    const refusal =
      error instanceof OpenAiError
        ? error
        : new OpenAiError(500, 'The local model server failed to answer.');
    if (response.headersSent) response.destroy();
    else sendJson(response, refusal.toBody(), refusal.status);
  }
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  pace: PaceOptions,
  signal: AbortSignal,
): Promise<void> {
  const { method = '', url = '' } = request;
  // Azure OpenAI serves the same API one folder deeper.
  const path = new URL(url, 'http://localhost').pathname.replace(/^\/openai(?=\/v1\/)/, '');
  switch (`${method} ${path}`) {
    case 'POST /v1/chat/completions':
      return chat(await readJson(request), response, pace, signal);
    case 'POST /v1/embeddings':
      return embeddings(await readJson(request), response, pace, signal);
    case 'GET /v1/models':
      return sendJson(response, MODELS);
    default:
      throw new OpenAiError(404, `Invalid URL (${method} ${path})`, null, 'unknown_url');
  }
}

/** The names that clients are used to; every other one works too. */
const MODELS = {
  object: 'list',
  data: ['gpt-4o-mini', 'text-embedding-3-small'].map((id) => ({
    id,
    object: 'model',
    created: 1_735_689_600,
    owned_by: 'local-model-server',
  })),
};

async function chat(
  body: Json,
  response: ServerResponse,
  paceOptions: PaceOptions,
  signal: AbortSignal,
): Promise<void> {
  const completion = completeChat(body);
  const pace = new Pace(JSON.stringify(body.messages), paceOptions, signal);
  if (body.stream !== true) {
    await pace.tokens(Math.max(...completion.choices.map(({ tokens }) => tokens.length)));
    return sendJson(response, toJson(completion));
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  });
  const { stream_options: options } = body;
  const includeUsage = isJsonObject(options) && options.include_usage === true;
  const events = toEvents(completion, pace, includeUsage);
  await pipeline(Readable.from(events), response);
}

async function embeddings(
  body: Json,
  response: ServerResponse,
  { firstTokenMs: [from, to] = [400, 900] }: PaceOptions,
  signal: AbortSignal,
): Promise<void> {
  const answerBody = embed(body);
  // An embedding is one pass through a small model: much faster than a first token.
  const range = [from * EMBEDDING_LATENCY_SHARE, to * EMBEDDING_LATENCY_SHARE] as const;
  await new Pace(JSON.stringify(body.input), { firstTokenMs: range }, signal).firstToken();
  sendJson(response, answerBody);
}
