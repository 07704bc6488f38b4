import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { whoAmI } from '../../fixtures/who-am-i.js';

// The SDK remembers the source of managed identities for the whole process, so each source has
// a file, and with it a process, of its own.
let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
  for (const [name, value] of Object.entries(azure.managedIdentityEnvironment('imds'))) {
    vi.stubEnv(name, value);
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await azure.stop();
});

const sdk = { retryOptions: { maxRetries: 0 } };

describe('Redis knows the managed identity (imds) that is', () => {
  it('assigned to the system', async () => {
    expect(await whoAmI(azure, { kind: 'managed-identity', sdk })).toBe(
      azure.identity.systemAssignedObjectId,
    );
  });

  it('assigned by the user, named by its client id', async () => {
    expect(await whoAmI(azure, { clientId: azure.identity.userAssignedClientId, sdk })).toBe(
      azure.identity.userAssignedObjectId,
    );
  });

  it('assigned by the user, named by its resource id', async () => {
    expect(await whoAmI(azure, { resourceId: azure.identity.userAssignedResourceId, sdk })).toBe(
      azure.identity.userAssignedObjectId,
    );
  });

  it('found by DefaultAzureCredential', async () => {
    expect(await whoAmI(azure, { sdk })).toBe(azure.identity.systemAssignedObjectId);
  });
});
