import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { UpstreamException } from '../upstream/upstream.exception.js';
import { errorBody } from './error-body.js';

/** Answers every refusal in the shape of the API that was asked; the upstream's own words as they are. */
@Catch(HttpException)
export class ApiErrorFilter implements ExceptionFilter<HttpException> {
  readonly #adapterHost: HttpAdapterHost;

  constructor(adapterHost: HttpAdapterHost) {
    this.#adapterHost = adapterHost;
  }

  catch(exception: HttpException, host: ArgumentsHost): void {
    const { httpAdapter } = this.#adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const upstreams = exception instanceof UpstreamException ? exception : undefined;
    for (const [name, value] of upstreams?.headers ?? []) {
      httpAdapter.setHeader(response, name, value);
    }
    const status = exception.getStatus();
    const url: unknown = httpAdapter.getRequestUrl(host.switchToHttp().getRequest());
    const body = upstreams?.words ?? errorBody(String(url), exception.message, status);
    httpAdapter.reply(response, body, status);
  }
}
