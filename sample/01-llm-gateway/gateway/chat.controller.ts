import { Controller, HttpCode, Post, Req, UseInterceptors } from '@nestjs/common';
import { LlmCacheInterceptor } from 'nestjs-azure-redis';
import { Upstream } from '../upstream/upstream.service.js';
import { requireJson } from './json-request.js';
import type { JsonRequest } from './json-request.js';

@Controller('v1/chat')
@UseInterceptors(LlmCacheInterceptor)
export class ChatController {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  @Post('completions')
  @HttpCode(200)
  completions(@Req() request: JsonRequest): Promise<unknown> {
    const question = requireJson(request);
    return question.body.stream === true
      ? this.#upstream.stream('/chat/completions', question)
      : this.#upstream.json('/chat/completions', question);
  }
}
