import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { createGateway } from '../../../sample/01-llm-gateway/gateway/create-gateway.js';
import { listen } from '../../../sample/01-llm-gateway/gateway/listen.js';
import { startLocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import type { LocalModelServer } from '../../../sample/01-llm-gateway/model-server/local-model-server.js';
import { playground } from '../../../sample/02-playground/playground.js';

export interface PlaygroundGateway {
  readonly url: string;
  readonly models: LocalModelServer;
  close(): Promise<void>;
}

/** The playground on a gateway of its own, as `npm start` has it. */
export async function startPlayground(
  azure: LocalAzure,
  { port = '0', hasFaults = true } = {},
): Promise<PlaygroundGateway> {
  const models = await startLocalModelServer({ firstTokenMs: [100, 100], tokensPerSecond: 150 });
  const gateway = await createGateway({
    localAzure: azure,
    upstream: { description: 'local', baseUrl: models.url, authorization: 'none' },
    extension: playground({ localAzure: hasFaults ? azure : undefined, model: 'gpt-4o-mini' }),
  });
  return {
    url: await listen(gateway, port),
    models,
    async close() {
      await gateway.close();
      await models.close();
    },
  };
}
