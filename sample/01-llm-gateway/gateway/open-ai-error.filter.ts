import { Catch, HttpException } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { UpstreamException, openAiError } from '../upstream/upstream.exception.js';

/** Answers every refusal in the shape of OpenAI's API; the upstream's own words as they are. */
@Catch(HttpException)
export class OpenAiErrorFilter implements ExceptionFilter<HttpException> {
  readonly #adapterHost: HttpAdapterHost;

  constructor(adapterHost: HttpAdapterHost) {
    this.#adapterHost = adapterHost;
  }

  catch(exception: HttpException, host: ArgumentsHost): void {
    const { httpAdapter } = this.#adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    const isUpstreams = exception instanceof UpstreamException;
    for (const [name, value] of isUpstreams ? exception.headers : []) {
      httpAdapter.setHeader(response, name, value);
    }
    const body = isUpstreams
      ? exception.getResponse()
      : openAiError(exception.message, 'invalid_request_error');
    httpAdapter.reply(response, body, exception.getStatus());
  }
}
