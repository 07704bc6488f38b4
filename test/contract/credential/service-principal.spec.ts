import { copyFile, rm } from 'node:fs/promises';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAzureCredential } from '../../../lib/credential/azure-credential.js';
import { azureRedisOptionsFromEnv } from '../../../lib/options/from-environment.js';
import { freshCredential } from '../../fixtures/fresh-credential.js';
import { whoAmI } from '../../fixtures/who-am-i.js';

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterEach(() => void vi.unstubAllEnvs());
afterAll(() => azure.stop());

describe('Redis knows the application that connected with', () => {
  it('a client secret', async () => {
    const { tenantId, clientId, clientSecret, objectId } = azure.identity;
    const sdk = azure.credentialSdkOptions;
    expect(await whoAmI(azure, { tenantId, clientId, clientSecret, sdk })).toBe(objectId);
  });

  it('a certificate in a file', async () => {
    const { tenantId, clientId, certificatePath, objectId } = azure.identity;
    const sdk = azure.credentialSdkOptions;
    expect(await whoAmI(azure, { tenantId, clientId, certificatePath, sdk })).toBe(objectId);
  });

  it('a certificate in the options', async () => {
    const { tenantId, clientId, certificatePem, objectId } = azure.identity;
    const sdk = azure.credentialSdkOptions;
    expect(await whoAmI(azure, { tenantId, clientId, certificate: certificatePem, sdk })).toBe(
      objectId,
    );
  });

  it('a federated token (workload identity)', async () => {
    const { tenantId, clientId, federatedTokenFile, objectId } = azure.identity;
    const sdk = azure.credentialSdkOptions;
    expect(await whoAmI(azure, { tenantId, clientId, federatedTokenFile, sdk })).toBe(objectId);
  });

  it('a secret from the environment, read by azureRedisOptionsFromEnv()', async () => {
    const { tenantId, clientId, clientSecret, objectId } = azure.identity;
    const { credential } = azureRedisOptionsFromEnv({
      REDIS_HOST: 'cache.redis.azure.net',
      REDIS_AZURE_AD_TOKEN: 'true',
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_CLIENT_SECRET: clientSecret,
      AZURE_AUTHORITY_HOST: azure.entra.url,
    });
    const sdk = azure.credentialSdkOptions;
    expect(await whoAmI(azure, { ...credential, sdk })).toBe(objectId);
  });

  it('what AKS injects into a pod, read by azureRedisOptionsFromEnv()', async () => {
    const { tenantId, clientId, federatedTokenFile, objectId } = azure.identity;
    const { credential } = azureRedisOptionsFromEnv({
      REDIS_HOST: 'cache.redis.azure.net',
      AZURE_TENANT_ID: tenantId,
      AZURE_CLIENT_ID: clientId,
      AZURE_FEDERATED_TOKEN_FILE: federatedTokenFile,
    });
    const sdk = azure.credentialSdkOptions;
    expect(await whoAmI(azure, { ...credential, sdk })).toBe(objectId);
  });

  it('DefaultAzureCredential, which finds a secret in the environment', async () => {
    const { tenantId, clientId, clientSecret, objectId } = azure.identity;
    vi.stubEnv('AZURE_TENANT_ID', tenantId);
    vi.stubEnv('AZURE_CLIENT_ID', clientId);
    vi.stubEnv('AZURE_CLIENT_SECRET', clientSecret);
    expect(await whoAmI(azure, { sdk: azure.credentialSdkOptions })).toBe(objectId);
  });

  it('a credential of the user', async () => {
    expect(await whoAmI(azure, azure.credential)).toBe(azure.identity.objectId);
  });
});

it('tries again when a certificate is not mounted yet', async () => {
  const { tenantId, clientId } = azure.identity;
  const sdk = azure.credentialSdkOptions;
  const late = `${azure.identity.certificatePath}.late.pem`;
  const credential = createAzureCredential({ tenantId, clientId, certificatePath: late, sdk });
  const scope = 'https://redis.azure.com/.default';
  await expect(credential.getToken(scope)).rejects.toThrow(/ENOENT/);
  await copyFile(azure.identity.certificatePath, late);
  await expect(credential.getToken(scope)).resolves.toMatchObject({ token: expect.any(String) });
  await rm(late);
});

describe('after Entra answered', () => {
  const scope = 'https://redis.azure.com/.default';

  it('5xx, asks it again with the next call; the SDK alone would refuse for 60 s', async () => {
    const credential = createAzureCredential(freshCredential(azure));
    azure.entra.fail({ times: 1 });
    await expect(credential.getToken(scope)).rejects.toThrow(/90033/);
    await expect(credential.getToken(scope)).resolves.toMatchObject({ token: expect.any(String) });
  });

  it('429, leaves it in peace', async () => {
    const credential = createAzureCredential(freshCredential(azure));
    azure.entra.throttle();
    await expect(credential.getToken(scope)).rejects.toThrow(/90055/);
    azure.entra.recover();
    const { requests } = azure.entra;
    await expect(credential.getToken(scope)).rejects.toThrow(/90055/);
    expect(azure.entra.requests).toBe(requests);
  });
});
