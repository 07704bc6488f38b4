import { CacheInterceptor } from '@nestjs/cache-manager';
import {
  All,
  Controller,
  HttpCode,
  Inject,
  Injectable,
  Res,
  StreamableFile,
  UseInterceptors,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Redis } from 'ioredis';
import { LlmCacheInterceptor } from 'nestjs-azure-redis';
import { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { of, type Observable } from 'rxjs';
import { answerWith } from './answer-with.js';
import { Frames } from './frames.js';
import { COMPLETION_BYTES, STREAM_BYTES } from './sample-answers.js';
import { counted } from './serve.js';
import type { NestRoute } from './settings.js';

const PATH = 'v1/chat/completions';

/** Express has Node's response itself. */
type PlatformResponse = ServerResponse | FastifyReply;

interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): void;
}

/** Token of what the handlers answer. */
export const VALUE = Symbol('value');

@Controller()
class ValueController {
  readonly #value: object;

  constructor(@Inject(VALUE) value: object) {
    this.#value = value;
  }

  @All(PATH)
  @HttpCode(200)
  answer(): object {
    counted.calls += 1;
    return this.#value;
  }
}

@Controller()
class ConstantController {
  @All(PATH)
  answer(@Res() response: PlatformResponse): void {
    answerWith(rawOf(response), COMPLETION_BYTES);
  }
}

const COMPLETION_TEXT = COMPLETION_BYTES.toString();

/** The least that an interceptor costs which answers in the place of its handler. */
@Injectable()
class ConstantInterceptor implements NestInterceptor {
  readonly #adapter: HttpAdapterHost;

  constructor(@Inject(HttpAdapterHost) adapter: HttpAdapterHost) {
    this.#adapter = adapter;
  }

  intercept(context: ExecutionContext): Observable<Buffer | string> {
    const response: unknown = context.switchToHttp().getResponse();
    this.#adapter.httpAdapter.setHeader(response, 'content-type', 'application/json');
    // Nest writes a Buffer as JSON on Express.
    return of(response instanceof ServerResponse ? COMPLETION_TEXT : COMPLETION_BYTES);
  }
}

@Controller()
@UseInterceptors(ConstantInterceptor)
class InterceptedController extends ValueController {}

@Controller()
class RedisBytesController {
  readonly #redis: Redis;

  constructor(@Inject(Redis) redis: Redis) {
    this.#redis = redis;
  }

  @All(PATH)
  async answer(@Res() response: PlatformResponse): Promise<void> {
    const found = await this.#redis.getBuffer(PATH);
    if (found !== null) return answerWith(rawOf(response), found);
    counted.calls += 1;
    await this.#redis.set(PATH, COMPLETION_BYTES);
    answerWith(rawOf(response), COMPLETION_BYTES);
  }
}

@Controller()
@UseInterceptors(CacheInterceptor)
class StockController extends ValueController {}

@Controller()
@UseInterceptors(LlmCacheInterceptor)
class CachedController extends ValueController {}

@Controller()
class PipedController {
  @All(PATH)
  @HttpCode(200)
  answer(): StreamableFile {
    return new StreamableFile(Readable.from([STREAM_BYTES]), { type: 'text/event-stream' });
  }
}

@Controller()
class StreamController {
  readonly #frames: Frames;

  constructor(@Inject(Frames) frames: Frames) {
    this.#frames = frames;
  }

  @All(PATH)
  @HttpCode(200)
  answer(): StreamableFile {
    counted.calls += 1;
    return new StreamableFile(Readable.from(this.#frames.send()), { type: 'text/event-stream' });
  }
}

@Controller()
@UseInterceptors(LlmCacheInterceptor)
class CachedStreamController extends StreamController {}

function rawOf(response: PlatformResponse): ServerResponse {
  if (!('raw' in response)) return response;
  response.hijack();
  return response.raw;
}

export const CONTROLLERS: Readonly<Record<NestRoute, Type>> = {
  value: ValueController,
  constant: ConstantController,
  intercepted: InterceptedController,
  'redis-bytes': RedisBytesController,
  stock: StockController,
  cached: CachedController,
  piped: PipedController,
  stream: StreamController,
  'cached-stream': CachedStreamController,
};
