import { ManagedIdentityCredential } from '@azure/identity';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { handshake, redisClient, SCOPE, useLocalAzure } from './local-azure.js';

// MSAL keeps the source of managed identities for the whole process: one source per test file.
const azure = useLocalAzure({ tokenLifetimeMs: 60_000 });
const retryOptions = { maxRetries: 0 };

beforeAll(() => {
  const variables = Object.entries(azure().managedIdentityEnvironment('imds'));
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

it('gives the machine its own identity', async () => {
  const credential = new ManagedIdentityCredential({ retryOptions });
  expect(await opensRedis(credential, azure().identity.systemAssignedObjectId)).toBe('ready');
  expect(azure().entra.issued.at(-1)?.grant).toBe('imds');
});

it.each(['clientId', 'objectId', 'resourceId'] as const)(
  'gives an assigned identity by its %s',
  async (kind) => {
    const { identity } = azure();
    const credential = {
      clientId: () =>
        new ManagedIdentityCredential({ clientId: identity.userAssignedClientId, retryOptions }),
      objectId: () =>
        new ManagedIdentityCredential({ objectId: identity.userAssignedObjectId, retryOptions }),
      resourceId: () =>
        new ManagedIdentityCredential({
          resourceId: identity.userAssignedResourceId,
          retryOptions,
        }),
    }[kind]();
    expect(await opensRedis(credential, identity.userAssignedObjectId)).toBe('ready');
  },
);

it('does not know other identities', async () => {
  const credential = new ManagedIdentityCredential({ clientId: 'nobody', retryOptions });
  await expect(credential.getToken(SCOPE)).rejects.toThrow(/Identity not found/);
});

it('fails and recovers with Entra', async () => {
  const credential = new ManagedIdentityCredential({ retryOptions });
  azure().entra.fail();
  await expect(credential.getToken(SCOPE)).rejects.toThrow(/transient error/);
  azure().entra.recover();
  await expect(credential.getToken(SCOPE)).resolves.toHaveProperty('token');
});

it('insists on the header, and answers with and without a slash at the end', async () => {
  const { AZURE_POD_IDENTITY_AUTHORITY_HOST: host = '' } =
    azure().managedIdentityEnvironment('imds');
  const query = '?api-version=2018-02-01&resource=https%3A%2F%2Fredis.azure.com';
  for (const path of ['/metadata/identity/oauth2/token', '/metadata/identity/oauth2/token/']) {
    expect((await fetch(host + path + query)).status).toBe(400);
    const answer = await fetch(host + path + query, { headers: { metadata: 'true' } });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ resource: 'https://redis.azure.com' });
  }
});
