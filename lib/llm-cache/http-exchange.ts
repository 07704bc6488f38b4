import type { IncomingHttpHeaders } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';

/** The request and response of Express and Fastify, seen through Nest's adapter. */
export class HttpExchange {
  readonly #adapter: AbstractHttpAdapter;
  readonly #request: { readonly headers: IncomingHttpHeaders; readonly body?: unknown };
  readonly #response: { readonly statusCode: number };

  constructor(adapter: AbstractHttpAdapter, context: ExecutionContext) {
    this.#adapter = adapter;
    this.#request = context.switchToHttp().getRequest();
    this.#response = context.switchToHttp().getResponse();
  }

  get method(): string {
    return this.#adapter.getRequestMethod(this.#request);
  }

  get url(): string {
    return this.#adapter.getRequestUrl(this.#request);
  }

  get host(): string {
    return this.#adapter.getRequestHostname(this.#request);
  }

  get headers(): IncomingHttpHeaders {
    return this.#request.headers;
  }

  get body(): unknown {
    return this.#request.body;
  }

  get status(): number {
    return this.#response.statusCode;
  }

  setStatus(status: number): void {
    this.#adapter.status(this.#response, status);
  }

  /** Those of the response headers in `names` that are set. */
  responseHeaders(names: readonly string[]): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const name of names) {
      const value: unknown = this.#adapter.getHeader(this.#response, name);
      if (typeof value === 'string') headers[name] = value;
    }
    return headers;
  }

  /** Whether somebody else has answered, e.g. a timeout or a handler through its request. */
  get isSent(): boolean {
    return this.#adapter.isHeadersSent(this.#response) === true;
  }

  /** Does nothing once the headers are sent. */
  setHeaders(headers: Readonly<Record<string, string>>): void {
    if (this.isSent) return;
    for (const [name, value] of Object.entries(headers)) {
      this.#adapter.setHeader(this.#response, name, value);
    }
  }
}
