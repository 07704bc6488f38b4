import { Controller, HttpCode, Post, Req, UseInterceptors } from '@nestjs/common';
import { LlmCacheInterceptor } from 'nestjs-azure-redis';
import { Upstream } from '../upstream/upstream.service.js';
import { requireJson } from './json-request.js';
import type { JsonRequest } from './json-request.js';

@Controller('v1/embeddings')
@UseInterceptors(LlmCacheInterceptor)
export class EmbeddingsController {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  @Post()
  @HttpCode(200)
  create(@Req() request: JsonRequest): Promise<unknown> {
    return this.#upstream.json('/embeddings', requireJson(request));
  }
}
