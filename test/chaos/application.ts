import { ClientSecretCredential, type TokenCredential } from '@azure/identity';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { AzureRedisConnection } from '../../lib/client/azure-redis-connection.js';
import { createAzureCredential } from '../../lib/credential/azure-credential.js';
import type { AzureRedisModuleOptions } from '../../lib/options/azure-redis-options.interface.js';
import { resolveAzureRedisOptions } from '../../lib/options/resolve-options.js';
import { EntraTokenManager } from '../../lib/token/entra-token-manager.js';
import { freshCredential } from '../fixtures/fresh-credential.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';

/** All deadlines short, so that a run of 20 s sees each of them pass. */
export const SHORT_DEADLINES = {
  tokenMs: 1_000,
  connectMs: 2_000,
  handshakeMs: 1_500,
  reauthMs: 700,
  silenceMs: 1_500,
};

export interface Application {
  readonly connection: AzureRedisConnection;
  readonly tokens: EntraTokenManager;
  readonly logger: RecordingLogger;
}

/** credential → token → client, as the module wires them; many at once, each closed by its owner. */
export function startApplication(azure: LocalAzure, more: AzureRedisModuleOptions): Application {
  const options = resolveAzureRedisOptions({
    ...azure.connection,
    credential: freshCredential(azure),
    ...more,
  });
  const tokens = new EntraTokenManager(createAzureCredential(options.credential), {
    scope: options.scope,
    username: options.username,
    deadlineMs: options.deadlines.tokenMs,
  });
  const logger = new RecordingLogger();
  const connection = new AzureRedisConnection(options, tokens, logger);
  connection.start().catch(() => undefined);
  return { connection, tokens, logger };
}

/** A user's own credential without the memory of @azure/identity, which remembers a 429 for 60 s. */
export function forgetfulCredential({
  identity,
  credentialSdkOptions,
}: LocalAzure): TokenCredential {
  const { tenantId, clientId, clientSecret } = identity;
  return {
    getToken: (scopes, options) =>
      new ClientSecretCredential(tenantId, clientId, clientSecret, credentialSdkOptions).getToken(
        scopes,
        options,
      ),
  };
}
