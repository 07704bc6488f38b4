import { setTimeout as sleep } from 'node:timers/promises';
import { AzureRedisError, getAzureRedisToken } from 'nestjs-azure-redis';
import type { AzureRedisClient } from 'nestjs-azure-redis';
import { LocalAzureError, startLocalAzure } from 'nestjs-azure-redis/testing';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { curlLines } from './curl-lines.js';
import type { ExtendedParts, GatewayExtension } from './gateway-extension.interface.js';
import { createGateway } from './gateway/create-gateway.js';
import { listen } from './gateway/listen.js';
import { startLocalModelServer } from './model-server/local-model-server.js';
import { sameQuestionTwice } from './proof/same-question-twice.js';
import { tokenRotation } from './proof/token-rotation.js';
import { RunningParts } from './running-parts.js';
import { StartError } from './start.error.js';
import { upstreamFromEnvironment } from './upstream/upstream-target.js';
import type { UpstreamTarget } from './upstream/upstream-target.js';

const { env } = process;
const MODEL = env.OPENAI_MODEL ?? 'gpt-4o-mini';
/** Short enough to watch a rotation; Azure's own tokens live an hour or more. */
const DEMO_TOKEN_LIFETIME_MS = 6_000;
const LASTING_TOKEN_LIFETIME_MS = 3_600_000;
/** A first token and a first connection to Azure can take seconds. */
const CONNECT_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5_000;

/** Their messages say what to do; a stack would only hide it. */
const EXPLAINED_ERRORS = [StartError, AzureRedisError, LocalAzureError];

const parts = new RunningParts();
const print = (...lines: readonly string[]): void => console.log(lines.join('\n'));

/** Starts the gateway and what extends it, proves the cache, and serves until it is interrupted. */
export async function runSample(
  extend?: (parts: ExtendedParts) => GatewayExtension,
): Promise<void> {
  // npm passes on the SIGINT that the terminal has sent already: a second one must not end the process early.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));
  try {
    await start(extend);
  } catch (error) {
    // Ctrl-C takes away what start() was waiting for; its complaint about that is not news.
    if (parts.stopping) return;
    const isExplained = EXPLAINED_ERRORS.some((kind) => error instanceof kind);
    console.error(isExplained && error instanceof Error ? error.message : error);
    await end(1);
  }
}

async function start(extend?: (parts: ExtendedParts) => GatewayExtension): Promise<void> {
  const upstream = upstreamFromEnvironment(env) ?? (await localUpstream());
  const localAzure = env.REDIS_HOST ? undefined : await localRedis(upstream);
  const extension = extend?.({ localAzure, model: MODEL });
  const gateway = await createGateway({ localAzure, upstream, extension });
  parts.add(() => gateway.close());
  const url = await listen(gateway, env.PORT ?? '3000');
  print(
    localAzure
      ? `Redis     local Azure, with ${localAzure.redisDescription}`
      : `Redis     ${env.REDIS_HOST} (REDIS_HOST)`,
    `Models    ${upstream.description}`,
    `Gateway   ${url}/v1`,
    ...(extension ? [`Page      ${url}${extension.page}`] : []),
  );

  const redis = gateway.get<AzureRedisClient>(getAzureRedisToken());
  if (!(await isReady(redis))) {
    print('', 'Redis cannot be reached yet: until then every answer comes from the model server.');
  }
  print('', 'The same question twice, by the official openai client');
  print(...(await sameQuestionTwice(url, MODEL)));

  if (localAzure) {
    print('', 'A token rotation on a live connection (tokens of 6 s for this demo)');
    print(...(await tokenRotation(redis, localAzure)));
    localAzure.entra.tokenLifetimeMs = extension?.tokenLifetimeMs ?? LASTING_TOKEN_LIFETIME_MS;
  }
  print(
    '',
    extension
      ? `Serving. Open ${url}${extension.page} in a browser, or try each line twice:`
      : 'Serving. Try each line twice:',
    ...curlLines(url, MODEL),
    '',
    'Ctrl-C ends everything.',
  );
}

async function localUpstream(): Promise<UpstreamTarget> {
  const server = await startLocalModelServer();
  parts.add(() => server.close());
  const unused = env.OPENAI_API_KEY ? '; OPENAI_API_KEY is not used without OPENAI_BASE_URL' : '';
  return {
    description: `local model server ${server.url}${unused}`,
    baseUrl: server.url,
    authorization: 'none',
  };
}

async function localRedis(upstream: UpstreamTarget): Promise<LocalAzure> {
  if (upstream.authorization === 'passwordless') {
    throw new StartError(
      'AZURE_OPENAI_ENDPOINT needs REDIS_HOST too: both are used with one identity, and Azure does not know that of the local Redis.',
    );
  }
  const azure = await startLocalAzure({
    tokenLifetimeMs: DEMO_TOKEN_LIFETIME_MS,
    allowJavaScriptRedis: true,
  });
  parts.add(() => azure.stop());
  return azure;
}

async function isReady(redis: AzureRedisClient): Promise<boolean> {
  const deadline = Date.now() + CONNECT_DEADLINE_MS;
  while (redis.status !== 'ready' && Date.now() < deadline) await sleep(50);
  return redis.status === 'ready';
}

async function end(exitCode: number): Promise<void> {
  setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
  await parts.stop();
  process.exit(exitCode);
}
