// A process of its own: what node-redis does to its event loop must not slow down anybody else.
import { ClientSecretCredential } from '@azure/identity';
import { EntraIdCredentialsProviderFactory, REDIS_SCOPE_DEFAULT } from '@redis/entraid';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNodeRedisWork } from './node-redis-work.js';
import { WorkLog } from './work-log.js';

const given = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`Expected ${name} in the environment`);
  return value;
};
const ca = given('CA');
const log = new WorkLog();
process.on('unhandledRejection', () => log.unhandledRejection());
process.on('uncaughtException', () => log.unhandledRejection());

const credentialsProvider = EntraIdCredentialsProviderFactory.createForDefaultAzureCredential({
  credential: new ClientSecretCredential(
    given('TENANT_ID'),
    given('CLIENT_ID'),
    given('CLIENT_SECRET'),
    {
      authorityHost: given('AUTHORITY_HOST'),
      disableInstanceDiscovery: true,
      tlsOptions: { ca },
      retryOptions: { maxRetries: 0 },
    },
  ),
  scopes: REDIS_SCOPE_DEFAULT,
  options: {},
  tokenManagerConfig: {
    // The README's example refreshes at 0.8, DEFAULT_TOKEN_MANAGER_CONFIG earlier.
    expirationRefreshRatio: 0.7,
    retry: {
      // More than the README's example, which has 3 and retries network errors of MSAL only.
      isRetryable: () => true,
      maxAttempts: 100,
      initialDelayMs: 100,
      maxDelayMs: 1_000,
      backoffMultiplier: 2,
      jitterPercentage: 10,
    },
  },
  onReAuthenticationError: (error) => log.errorEvent(error),
  onRetryableError: () => undefined,
});

await startNodeRedisWork(
  {
    topology: given('TOPOLOGY') === 'cluster' ? 'cluster' : 'standalone',
    options: {
      credentialsProvider,
      socket: {
        host: given('HOST'),
        port: Number(given('PORT')),
        tls: true,
        ca,
        servername: given('SERVERNAME'),
      },
    },
  },
  log,
);
await sleep(Number(given('SECONDS')) * 1_000);
log.stop();
// Messages that are under way.
await sleep(500);
process.stdout.write(`\n${JSON.stringify(log.report())}`, () => process.exit(0));
