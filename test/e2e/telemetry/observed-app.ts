import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Injectable,
  Post,
  Req,
  Res,
  type INestApplication,
} from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { context, SpanKind, trace } from '@opentelemetry/api';
import {
  AzureRedisModule,
  getAzureRedisConnectionToken,
  LlmCache,
  LlmCacheService,
  type AzureRedisConnection,
  type AzureRedisModuleOptions,
} from 'nestjs-azure-redis';
import { AzureRedisTelemetryModule } from 'nestjs-azure-redis/telemetry';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { eventually } from '../../fixtures/eventually.js';
import type { Platform } from '../../fixtures/gateway-app.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';
import { chatFrames } from '../llm-cache/sample-answers.js';

export const ANSWER = 'Behind the third barrel.';

const EXPORTER = Symbol('PrometheusExporter');

/** What the handlers call; a test may hold back the second half of a stream. */
@Injectable()
export class Model {
  gate: Promise<void> = Promise.resolve();

  async chat(): Promise<object> {
    const message = { role: 'assistant', content: ANSWER };
    return {
      choices: [{ index: 0, message, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    };
  }

  async *stream(): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    const [first = '', ...rest] = chatFrames(ANSWER.split(/(?= )/));
    const encoder = new TextEncoder();
    yield encoder.encode(first);
    await this.gate;
    yield encoder.encode(rest.join(''));
  }
}

@Controller()
class ObservedController {
  constructor(
    @Inject(Model) private readonly model: Model,
    @Inject(EXPORTER) private readonly exporter: PrometheusExporter,
  ) {}

  @Post('v1/chat/completions')
  @HttpCode(200)
  @LlmCache({ scope: 'public' })
  chat(@Body() _body: unknown): Promise<object> {
    return this.model.chat();
  }

  @Post('stream/chat/completions')
  @HttpCode(200)
  @LlmCache({ scope: 'public' })
  stream(): Response {
    const body = ReadableStream.from(this.model.stream());
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }

  @Post('stale/chat/completions')
  @HttpCode(200)
  @LlmCache({ scope: 'public', ttlMs: 1, staleWhileRevalidateMs: 60_000 })
  stale(): Promise<object> {
    return this.model.chat();
  }

  @Post('shadow/chat/completions')
  @HttpCode(200)
  @LlmCache({ scope: 'public', shadow: true })
  shadow(): Promise<object> {
    return this.model.chat();
  }

  @Post('bypassed/chat/completions')
  @HttpCode(200)
  @LlmCache({ cacheable: () => false })
  bypassed(): Promise<object> {
    return this.model.chat();
  }

  @Get('metrics')
  metrics(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.exporter.getMetricsRequestHandler(request, response);
  }
}

export interface ObservedApp extends AsyncDisposable {
  readonly app: INestApplication;
  readonly url: string;
  readonly model: Model;
  readonly cache: LlmCacheService;
  readonly connection: AzureRedisConnection;
  readonly tracers: NodeTracerProvider;
  ask(path: string, prompt: string): Promise<string | null>;
  scrape(): Promise<string>;
  spans(): readonly ReadableSpan[];
}

export interface ObservedAppOptions extends AzureRedisModuleOptions {
  readonly platform?: Platform;
}

/** A Nest application as the README shows it, with the SDK of OpenTelemetry. */
export async function startObservedApp(
  azure: LocalAzure,
  { platform = 'express', ...more }: ObservedAppOptions = {},
): Promise<ObservedApp> {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });
  const finished = new InMemorySpanExporter();
  const tracers = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(finished)] });
  // For the context: which span is active.
  tracers.register();
  const testing = await Test.createTestingModule({
    imports: [
      AzureRedisModule.forRoot({
        ...azure.connection,
        credential: azure.credential,
        cache: {
          llm: { pricing: ({ outputTokens }) => outputTokens / 4, compressAboveBytes: Infinity },
        },
        ...more,
      }),
      AzureRedisTelemetryModule.forRoot({ meterProvider }),
    ],
    controllers: [ObservedController],
    providers: [Model, { provide: EXPORTER, useValue: exporter }],
  })
    .setLogger(new RecordingLogger())
    .compile();
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = testing.createNestApplication(adapter, { forceCloseConnections: true });
  app.use(inServerSpan(tracers));
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const connection = app.get<AzureRedisConnection>(getAzureRedisConnectionToken());
  await eventually('Redis is ready', () => connection.client.status === 'ready');
  return {
    app,
    url,
    connection,
    tracers,
    model: app.get(Model),
    cache: app.get(LlmCacheService),
    spans: () => finished.getFinishedSpans(),
    [Symbol.asyncDispose]: async () => {
      await app.close();
      await Promise.all([tracers.shutdown(), meterProvider.shutdown()]);
      trace.disable();
      context.disable();
    },
    scrape: async () => (await fetch(`${url}/metrics`)).text(),
    ask: async (path, prompt) => {
      const response = await fetch(`${url}/${path}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'm',
          stream: path === 'stream',
          messages: [{ role: 'user', content: prompt }],
        }),
      });
      await response.text();
      return response.headers.get('x-cache');
    },
  };
}

/** What the HTTP instrumentation of OpenTelemetry does for each request. */
function inServerSpan(tracers: NodeTracerProvider) {
  const tracer = tracers.getTracer('server');
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    tracer.startActiveSpan(`POST ${request.url}`, { kind: SpanKind.SERVER }, (span) => {
      response.once('finish', () => span.end());
      next();
    });
  };
}
