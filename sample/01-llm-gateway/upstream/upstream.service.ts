import { Inject, Injectable } from '@nestjs/common';
import type { TokenCredential } from '@azure/identity';
import { InjectAzureRedisCredential } from 'nestjs-azure-redis';
import { UPSTREAM_TARGET } from './upstream-target.js';
import type { UpstreamTarget } from './upstream-target.js';
import { UpstreamException } from './upstream.exception.js';

const AZURE_OPENAI_SCOPE = 'https://cognitiveservices.azure.com/.default';

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

  /** The parsed answer to a GET, or to a POST when there is a body. */
  async json(path: string, body?: Buffer): Promise<unknown> {
    const response = await this.#ask(path, body);
    try {
      return await response.json();
    } catch {
      throw UpstreamException.unreachable('The model server did not answer with JSON.');
    }
  }

  /** The answer as it comes, for Nest to send on byte by byte. */
  async stream(path: string, body: Buffer): Promise<Response> {
    const response = await this.#ask(path, body);
    return new Response(response.body, {
      headers: {
        'content-type': response.headers.get('content-type') ?? 'text/event-stream',
        'cache-control': 'no-cache',
      },
    });
  }

  async #ask(path: string, body?: Buffer): Promise<Response> {
    const authorization = await this.#authorization();
    const request: RequestInit = {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...authorization },
      // A redirect could carry the prompt, or the key, to somewhere else.
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
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

  async #authorization(): Promise<Record<string, string>> {
    const { authorization } = this.#target;
    if (authorization === 'none') return {};
    if (authorization !== 'passwordless')
      return { authorization: `Bearer ${authorization.apiKey}` };
    const token = await this.#credential.getToken(AZURE_OPENAI_SCOPE).catch(() => null);
    if (token === null) {
      throw UpstreamException.unreachable('Entra gave no token for Azure OpenAI.');
    }
    return { authorization: `Bearer ${token.token}` };
  }
}
