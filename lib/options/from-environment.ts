import type { AzureRedisModuleOptions } from './azure-redis-options.interface.js';
import { checkOptions } from './check-options.js';
import { connectionFrom, type ConnectionSetting } from './connection-settings.js';
import { trimmed } from './litellm-values.js';
import { OptionProblems } from './option-problems.js';

/** Environment variables by name. @publicApi */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of this process; nothing else in the pipe reads them. */
export function processEnvironment(): Environment {
  return process.env;
}

export const VARIABLES: Readonly<Record<ConnectionSetting, string>> = {
  host: 'REDIS_HOST',
  port: 'REDIS_PORT',
  tls: 'REDIS_SSL',
  username: 'REDIS_USERNAME',
  entra: 'REDIS_AZURE_AD_TOKEN',
  'credential.clientId': 'AZURE_CLIENT_ID',
  'credential.tenantId': 'AZURE_TENANT_ID',
  'credential.clientSecret': 'AZURE_CLIENT_SECRET',
  'credential.certificatePath': 'AZURE_CLIENT_CERTIFICATE_PATH',
  'credential.federatedTokenFile': 'AZURE_FEDERATED_TOKEN_FILE',
  'credential.authorityHost': 'AZURE_AUTHORITY_HOST',
};

/**
 * Options from the variables that LiteLLM and @azure/identity know: `REDIS_HOST`, `REDIS_PORT`,
 * `REDIS_SSL` (`true` or `false`), `REDIS_USERNAME`, `REDIS_AZURE_AD_TOKEN` (`true`, if set),
 * `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_CLIENT_SECRET`, `AZURE_CLIENT_CERTIFICATE_PATH`,
 * `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST`.
 *
 * An empty variable is not set. Unlike in LiteLLM, TLS is on unless `REDIS_SSL` is `false`, and
 * without `REDIS_PORT` the port is Azure's. A missing `REDIS_HOST` is reported at boot, so the
 * options can be completed: `{ ...azureRedisOptionsFromEnv(), host }`.
 *
 * @param env variables by name; @default process.env
 * @throws {AzureRedisOptionsError} naming every variable that is wrong.
 * @publicApi
 */
export function azureRedisOptionsFromEnv(
  env: Environment = processEnvironment(),
): AzureRedisModuleOptions {
  const problems = new OptionProblems(VARIABLES);
  const options = connectionFrom((setting) => trimmed(env[VARIABLES[setting]]), problems);
  if (!checkOptions(options, problems, { hostRequired: false })) throw problems.toError();
  return options;
}
