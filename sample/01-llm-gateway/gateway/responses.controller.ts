import { Controller, HttpCode, Post, Req, UseInterceptors } from '@nestjs/common';
import { LlmCacheInterceptor } from 'nestjs-azure-redis';
import { Upstream } from '../upstream/upstream.service.js';
import { requireJson } from './json-request.js';
import type { JsonRequest } from './json-request.js';

@Controller('v1/responses')
@UseInterceptors(LlmCacheInterceptor)
export class ResponsesController {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  @Post()
  @HttpCode(200)
  create(@Req() request: JsonRequest): Promise<unknown> {
    const question = requireJson(request);
    return question.body.stream === true
      ? this.#upstream.stream('/responses', question)
      : this.#upstream.json('/responses', question);
  }
}
