import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import type { TokenCredential } from '@azure/identity';
import { InjectAzureRedisCredential } from 'nestjs-azure-redis';
import { conventionsOf } from './api-conventions.js';
import type { ApiConventions } from './api-conventions.js';
import { UPSTREAM_TARGET } from './upstream-target.js';
import type { UpstreamTarget } from './upstream-target.js';
import { UpstreamException } from './upstream.exception.js';

const AZURE_OPENAI_SCOPE = 'https://cognitiveservices.azure.com/.default';

/** What the caller sent: the body as it came, and headers, most of which stay here. */
export interface UpstreamRequest {
  readonly bytes: Buffer;
  readonly headers: IncomingHttpHeaders;
}

/** Asks the model API. What callers and models say to each other is never logged. */
@Injectable()
export class Upstream {
  readonly #target: UpstreamTarget;
  readonly #credential: TokenCredential;

  constructor(
    @Inject(UPSTREAM_TARGET) target: UpstreamTarget,
    @InjectAzureRedisCredential() credential: TokenCredential,
  ) {
    this.#target = target;
    this.#credential = credential;
  }

  /** The parsed answer to a POST, or to a GET when there is nothing to send. */
  async json(path: string, request?: UpstreamRequest): Promise<unknown> {
    const response = await this.#ask(path, request);
    try {
      return await response.json();
    } catch {
      throw UpstreamException.unreachable('The model server did not answer with JSON.');
    }
  }

  /** The answer as it comes, for Nest to send on byte by byte. */
  async stream(path: string, request: UpstreamRequest): Promise<Response> {
    const response = await this.#ask(path, request);
    return new Response(response.body, {
      headers: {
        'content-type': response.headers.get('content-type') ?? 'text/event-stream',
        'cache-control': 'no-cache',
      },
    });
  }

  async #ask(path: string, sent?: UpstreamRequest): Promise<Response> {
    const conventions = conventionsOf(path);
    const authorization = await this.#authorization(conventions);
    const forwarded = conventions.forwarded.flatMap((name) => {
      const value = sent?.headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    });
    const request: RequestInit = {
      method: sent === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': 'application/json',
        ...Object.fromEntries(forwarded),
        ...authorization,
      },
      // A redirect could carry the prompt, or the key, to somewhere else.
      redirect: 'error',
      ...(sent === undefined ? {} : { body: sent.bytes }),
    };
    let response: Response;
    try {
      response = await fetch(`${this.#target.baseUrl}${path}`, request);
    } catch {
      throw UpstreamException.unreachable('The model server cannot be reached.');
    }
    if (response.status !== 200) throw await UpstreamException.from(response);
    return response;
  }

  async #authorization({ keyHeader }: ApiConventions): Promise<Record<string, string>> {
    const { authorization } = this.#target;
    if (authorization === 'none') return {};
    if (authorization !== 'passwordless') return keyHeader(authorization.apiKey);
    const token = await this.#credential.getToken(AZURE_OPENAI_SCOPE).catch(() => null);
    if (token === null) {
      throw UpstreamException.unreachable('Entra gave no token for Azure OpenAI.');
    }
    return { authorization: `Bearer ${token.token}` };
  }
}
