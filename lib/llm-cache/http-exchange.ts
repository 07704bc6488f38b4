import { ServerResponse, type IncomingHttpHeaders } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { isJsonObject } from './json-object.js';
import { ResponseOver, type GoneSignal } from './gone-signal.js';
import { withoutMember } from './json-members.js';
import { headerText } from './recording/answer.js';

/** The request and response of Express and Fastify, seen through Nest's adapter. */
export class HttpExchange {
  readonly #adapter: AbstractHttpAdapter;
  readonly #request: { readonly headers: IncomingHttpHeaders; body?: unknown; rawBody?: unknown };
  readonly #response: { readonly statusCode: number; readonly raw?: unknown };
  #gone: GoneSignal | undefined;

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

  /** For the handler, which has not read it yet; its bytes as well, where the application keeps them. */
  replaceBody(body: unknown): void {
    this.#request.body = body;
    if (this.#request.rawBody !== undefined) {
      this.#request.rawBody = Buffer.from(JSON.stringify(body));
    }
  }

  /** Takes a member out of the body, all else as it was sent. */
  removeFromBody(name: string): void {
    const { body, rawBody } = this.#request;
    if (!isJsonObject(body) || !Object.hasOwn(body, name)) return;
    const { [name]: _removed, ...rest } = body;
    this.#request.body = rest;
    if (Buffer.isBuffer(rawBody)) this.#request.rawBody = withoutMember(rawBody, name);
  }

  /** The same for all interceptors of one request. */
  get identity(): object {
    return this.#request;
  }

  /** Of the platform. */
  get response(): object {
    return this.#response;
  }

  /** Node's own response; `undefined` in a runtime that has none. */
  get serverResponse(): ServerResponse | undefined {
    const { raw = this.#response } = this.#response;
    return raw instanceof ServerResponse ? raw : undefined;
  }

  /** Aborted when the response is over, sent or not: nobody reads any more. */
  get gone(): GoneSignal {
    this.#gone ??= new ResponseOver(this.serverResponse);
    return this.#gone;
  }

  /** Resolves when the response is over. */
  async isOver(): Promise<void> {
    const response = this.serverResponse;
    if (response === undefined || response.closed) return;
    await new Promise<void>((resolve) => response.once('close', resolve));
  }

  get status(): number {
    return this.#response.statusCode;
  }

  setStatus(status: number): void {
    this.#adapter.status(this.#response, status);
  }

  /** A response header that is set. */
  header(name: string): string | undefined {
    return headerText(this.#adapter.getHeader(this.#response, name));
  }

  /** Answers in the place of the handler, which would do it by itself. */
  reply(body: unknown, status: number): void {
    this.#adapter.reply(this.#response, body, status);
  }

  /** Whether somebody else has answered, e.g. a timeout or a handler through its request. */
  get isSent(): boolean {
    return this.#adapter.isHeadersSent(this.#response) === true;
  }

  /** Does nothing once the headers are sent. */
  setHeaders(headers: Readonly<Record<string, string>>): void {
    if (this.isSent) return;
    const response = this.#response;
    for (const [name, value] of Object.entries(headers)) {
      // Express itself would add a charset to a recorded media type.
      if (response instanceof ServerResponse) response.setHeader(name, value);
      else this.#adapter.setHeader(response, name, value);
    }
  }
}
