import { Controller, HttpCode, Post, Req, UseInterceptors } from '@nestjs/common';
import { LlmCacheInterceptor } from 'nestjs-azure-redis';
import { Upstream } from '../upstream/upstream.service.js';
import { requireJson } from './json-request.js';
import type { JsonRequest } from './json-request.js';

@Controller('v1/messages')
@UseInterceptors(LlmCacheInterceptor)
export class MessagesController {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  @Post()
  @HttpCode(200)
  create(@Req() request: JsonRequest): Promise<unknown> {
    const question = requireJson(request);
    return question.body.stream === true
      ? this.#upstream.stream('/messages', question)
      : this.#upstream.json('/messages', question);
  }
}
