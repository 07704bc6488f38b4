import { Readable } from 'node:stream';
import {
  Body,
  Controller,
  createParamDecorator,
  Get,
  Header,
  HttpCode,
  HttpException,
  Injectable,
  Post,
  RequestMethod,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
  type ExecutionContext,
} from '@nestjs/common';
import { CacheKey, CacheTTL } from '@nestjs/cache-manager';
import { LlmCacheInterceptor } from 'nestjs-azure-redis';
import { concat, from, of, throwError } from 'rxjs';

interface Question {
  question?: string;
  finish?: string;
}

/** The part of Express' and Fastify's response that is the same. */
interface AnyResponse {
  status(code: number): AnyResponse;
  header(name: string, value: string): AnyResponse;
  send(body: unknown): void;
}

/** Every answer says which call of the handlers made it. */
let calls = 0;
const answer = (body: Question) => ({ call: ++calls, to: body.question });

function chunks(): string[] {
  const call = ++calls;
  return ['one ', 'two ', `of call ${call}`];
}

async function* generate(): AsyncGenerator<string> {
  yield* chunks();
}

/** What tracing decorators do: another function takes the place and metadata of the handler. */
function Wrapped(): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const original: (...parameters: unknown[]) => unknown = descriptor.value;
    descriptor.value = function (...parameters: unknown[]) {
      return original.apply(this, parameters);
    };
    for (const key of Reflect.getMetadataKeys(original)) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, original), descriptor.value);
    }
  };
}

/** The response, behind the back of Nest's `@Res()`; in an object, since Fastify's is a thenable. */
const ResponseOf = createParamDecorator((_data: undefined, context: ExecutionContext) => ({
  response: context.switchToHttp().getResponse<AnyResponse>(),
}));

@Controller()
@UseInterceptors(LlmCacheInterceptor)
export class GatewayController {
  @Post('v1/chat/completions')
  @HttpCode(200)
  complete(@Body() { finish = 'stop', ...body }: Question) {
    const message = { role: 'assistant', content: JSON.stringify(answer(body)) };
    return { id: `chatcmpl-${calls}`, choices: [{ index: 0, message, finish_reason: finish }] };
  }

  @Post('created')
  create(@Body() body: Question) {
    return answer(body);
  }

  @Post('text')
  @HttpCode(200)
  text() {
    return `plain text of call ${++calls}`;
  }

  @Post('headers')
  @HttpCode(200)
  headers(@Body() body: Question, @Res({ passthrough: true }) response: AnyResponse) {
    response.header('content-type', 'application/vnd.answer+json');
    response.header('set-cookie', `session=${calls}`);
    response.header('x-request-id', `request-${calls}`);
    return answer(body);
  }

  @Post('several-values')
  severalValues(@Body() body: Question) {
    return of({ progress: 50 }, { progress: 90 }, answer(body));
  }

  @Post('fails-late')
  failsLate(@Body() body: Question) {
    return concat(
      of(answer(body)),
      throwError(() => new HttpException(`failed in call ${calls}`, 503)),
    );
  }

  @Post('refused')
  refused(@Res({ passthrough: true }) response: AnyResponse) {
    response.status(429);
    return { call: ++calls };
  }

  @Post('ok-by-handler')
  okByHandler(@Res({ passthrough: true }) response: AnyResponse) {
    response.status(200);
    return { call: ++calls };
  }

  /** The value is not sent: it must not become an answer either. */
  @Post('response-and-value')
  @Wrapped()
  responseAndValue(@Res() response: AnyResponse) {
    setImmediate(() => response.send({ call: ++calls }));
    return { not: 'sent' };
  }

  @Post('answered-elsewhere')
  answeredElsewhere(@ResponseOf() { response }: { response: AnyResponse }) {
    response.send({ call: ++calls });
    return { not: 'sent' };
  }

  @Post('thrown')
  thrown() {
    throw new HttpException(`thrown in call ${++calls}`, 502);
  }

  @Post('nothing')
  nothing() {
    calls += 1;
  }

  @Post('large')
  large() {
    return { call: ++calls, text: 'x'.repeat(1024 * 1024) };
  }

  @Post('short-lived')
  @CacheTTL(5_000)
  shortLived(@Body() body: Question) {
    return answer(body);
  }

  @Post('short-lived-by-function')
  @CacheTTL(async () => 7_000)
  shortLivedByFunction(@Body() body: Question) {
    return answer(body);
  }

  @Post('ttl-throws')
  @CacheTTL(() => {
    throw new Error('secret of the TTL function');
  })
  ttlThrows(@Body() body: Question) {
    return answer(body);
  }

  @Post('keyed')
  @CacheKey((context: ExecutionContext) => {
    const { body } = context.switchToHttp().getRequest<{ body: Question }>();
    return `keyed:${body.question}`;
  })
  keyed(@Body() body: Question) {
    return answer(body);
  }

  @Post('key-throws')
  @CacheKey(() => {
    throw new Error('secret of the key function');
  })
  keyThrows(@Body() body: Question) {
    return answer(body);
  }

  @Post('async-key-throws')
  @CacheKey(async () => {
    throw new Error('secret of the key function');
  })
  asyncKeyThrows(@Body() body: Question) {
    return answer(body);
  }

  @Get('fails-late')
  getFailsLate() {
    return this.failsLate({});
  }

  @Get('models')
  models() {
    return { call: ++calls };
  }
}

/** Every way to answer in pieces, as POST and as GET. */
@Controller('stream')
@UseInterceptors(LlmCacheInterceptor)
export class StreamController {
  @Post('generator')
  generator() {
    return generate();
  }

  @Get('generator')
  getGenerator() {
    return generate();
  }

  @Post('iterable')
  iterable() {
    return { [Symbol.asyncIterator]: generate };
  }

  @Post('web-stream')
  webStream() {
    return webStreamOf(chunks());
  }

  @Get('web-stream')
  getWebStream() {
    return webStreamOf(chunks());
  }

  @Post('response')
  response() {
    return new Response(webStreamOf(chunks()), { headers: { 'content-type': 'text/x-pieces' } });
  }

  @Get('response')
  getResponse() {
    return new Response(webStreamOf(chunks()));
  }

  @Post('node-stream')
  nodeStream() {
    return Readable.from(chunks());
  }

  @Get('node-stream')
  getNodeStream() {
    return Readable.from(chunks());
  }

  @Post('file')
  file() {
    return new StreamableFile(Readable.from(chunks().map((text) => Buffer.from(text))));
  }

  @Get('file')
  getFile() {
    return new StreamableFile(Readable.from(chunks().map((text) => Buffer.from(text))));
  }

  @Post('observable-of-stream')
  observableOfStream() {
    return of(Readable.from(chunks()));
  }

  @Sse('sse', { method: RequestMethod.POST })
  sse() {
    return from(chunks().map((data) => ({ data })));
  }

  @Sse('sse')
  getSse() {
    return from(chunks().map((data) => ({ data })));
  }

  @Post('response-object')
  @Header('content-type', 'text/plain')
  responseObject(@Res() response: AnyResponse) {
    response.send(chunks().join(''));
  }

  @Post('response-object-later')
  responseObjectLater(@Res() response: AnyResponse) {
    setImmediate(() => response.header('content-type', 'text/plain').send(chunks().join('')));
  }
}

function webStreamOf(texts: readonly string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(encoder.encode(text));
      controller.close();
    },
  });
}

@Injectable()
export class TenantCache extends LlmCacheInterceptor {
  protected override readonly scope = (context: ExecutionContext): string => {
    const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
    const tenant = request.headers['x-tenant'];
    if (tenant === 'broken') throw new Error('secret of the scope function');
    return tenant ?? '';
  };
}

@Injectable()
export class PublicCache extends LlmCacheInterceptor {
  protected override readonly scope = 'public';
}

@Controller('scoped')
export class ScopedController {
  @Post('tenant')
  @UseInterceptors(TenantCache)
  tenant(@Body() body: Question) {
    return answer(body);
  }

  @Post('public')
  @UseInterceptors(PublicCache)
  public(@Body() body: Question) {
    return answer(body);
  }
}

/** Controllers of one name, path and handler, told apart by a request header alone. */
export const VERSIONS = ['1', '2'].map((version) => {
  @Controller({ path: 'versioned', version })
  @UseInterceptors(LlmCacheInterceptor)
  class VersionedController {
    @Post()
    ask() {
      return { version };
    }
  }
  return VersionedController;
});
