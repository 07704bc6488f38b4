import { CacheInterceptor, CacheTTL } from '@nestjs/cache-manager';
import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { Upstream } from '../upstream/upstream.service.js';

/** A plain GET route: Nest's own interceptor, on the same Redis, with no further wiring. */
@Controller('v1/models')
@UseInterceptors(CacheInterceptor)
export class ModelsController {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  @Get()
  @CacheTTL(60_000)
  list(): Promise<unknown> {
    return this.#upstream.json('/models');
  }
}
