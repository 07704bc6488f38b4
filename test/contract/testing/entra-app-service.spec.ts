import { ManagedIdentityCredential } from '@azure/identity';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { handshake, redisClient, SCOPE, useLocalAzure } from './local-azure.js';

// MSAL keeps the source of managed identities for the whole process: one source per test file.
const azure = useLocalAzure({ tokenLifetimeMs: 60_000 });
const retryOptions = { maxRetries: 0 };

beforeAll(() => {
  const variables = Object.entries(azure().managedIdentityEnvironment('app-service'));
  for (const [name, value] of variables) vi.stubEnv(name, value);
});
afterAll(() => {
  vi.unstubAllEnvs();
});

async function opensRedis(
  credential: ManagedIdentityCredential,
  username: string,
): Promise<string> {
  const { token } = await credential.getToken(SCOPE);
  return handshake(redisClient(azure(), { username, password: token }));
}

it('gives the app its own identity', async () => {
  const credential = new ManagedIdentityCredential({ retryOptions });
  expect(await opensRedis(credential, azure().identity.systemAssignedObjectId)).toBe('ready');
  expect(azure().entra.issued.at(-1)?.grant).toBe('app-service');
});

it('gives an assigned identity by its client id', async () => {
  const { userAssignedClientId: clientId, userAssignedObjectId } = azure().identity;
  const credential = new ManagedIdentityCredential({ clientId, retryOptions });
  expect(await opensRedis(credential, userAssignedObjectId)).toBe('ready');
});

it('answers only those who know the header', async () => {
  const { IDENTITY_ENDPOINT: endpoint = '' } = azure().managedIdentityEnvironment('app-service');
  const query = '?api-version=2019-08-01&resource=https%3A%2F%2Fredis.azure.com';
  const answer = await fetch(endpoint + query, { headers: { 'x-identity-header': 'guess' } });
  expect(answer.status).toBe(401);
});
