import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ClientCertificateCredential,
  ClientSecretCredential,
  WorkloadIdentityCredential,
  type TokenCredential,
} from '@azure/identity';
import { describe, expect, it } from 'vitest';
import { createClientCertificate } from '../../../lib/testing/certificates.js';
import { eventually } from '../../fixtures/eventually.js';
import { handshake, redisClient, SCOPE, useLocalAzure } from './local-azure.js';
import { temporaryFolder } from './temporary-folder.js';

const azure = useLocalAzure();

/** A fresh one each time, because MSAL remembers failures and tokens per instance. */
function withSecret(
  change: { tenantId?: string; clientId?: string; clientSecret?: string } = {},
): TokenCredential {
  const { tenantId, clientId, clientSecret } = { ...azure().identity, ...change };
  return new ClientSecretCredential(tenantId, clientId, clientSecret, azure().credentialSdkOptions);
}

const withCertificate = (certificate: string): TokenCredential =>
  new ClientCertificateCredential(
    azure().identity.tenantId,
    azure().identity.clientId,
    { certificate },
    azure().credentialSdkOptions,
  );

const withFederatedToken = (tokenFilePath: string): TokenCredential =>
  new WorkloadIdentityCredential({
    tenantId: azure().identity.tenantId,
    clientId: azure().identity.clientId,
    tokenFilePath,
    ...azure().credentialSdkOptions,
  });

async function opensRedis(credential: TokenCredential): Promise<string> {
  const token = await credential.getToken(SCOPE);
  return handshake(redisClient(azure(), { password: token?.token ?? '' }));
}

describe('a client secret', () => {
  it('gets a token that opens Redis', async () => {
    expect(await opensRedis(azure().credential)).toBe('ready');
    expect(azure().entra.issued.at(-1)).toMatchObject({
      objectId: azure().identity.objectId,
      audience: 'https://redis.azure.com',
      grant: 'client-secret',
    });
  });

  it('gets tokens of an identity that Redis does not know', async () => {
    const { withoutAccess } = azure().identity;
    const token = await withSecret(withoutAccess).getToken(SCOPE);
    const client = redisClient(azure(), {
      username: withoutAccess.objectId,
      password: token?.token ?? '',
    });
    expect(await handshake(client)).toMatch(/WRONGPASS/);
  });

  it.each([
    ['a wrong secret', { clientSecret: 'wrong' }, /AADSTS7000215/],
    ['an unknown application', { clientId: 'nobody' }, /AADSTS700016/],
    ['an unknown tenant', { tenantId: 'nowhere' }, /AADSTS90002|endpoints_resolution_error/],
  ])('says what is wrong with %s', async (_, change, message) => {
    await expect(withSecret(change).getToken(SCOPE)).rejects.toThrow(message);
  });

  it('gets a token for another resource, which Redis refuses', async () => {
    const token = await withSecret().getToken('https://vault.azure.net/.default');
    const client = redisClient(azure(), { password: token?.token ?? '' });
    expect(await handshake(client)).toMatch(/WRONGPASS/);
  });
});

describe('a client certificate', () => {
  it('gets a token that opens Redis', async () => {
    const { certificatePem, certificatePath } = azure().identity;
    expect(await opensRedis(withCertificate(certificatePem))).toBe('ready');
    expect(azure().entra.issued.at(-1)?.grant).toBe('client-certificate');
    const fromFile = new ClientCertificateCredential(
      azure().identity.tenantId,
      azure().identity.clientId,
      { certificatePath },
      azure().credentialSdkOptions,
    );
    expect(await opensRedis(fromFile)).toBe('ready');
  });

  it('is refused when it is not registered', async () => {
    const other = createClientCertificate('other');
    await expect(
      withCertificate(other.certificate + other.privateKey).getToken(SCOPE),
    ).rejects.toThrow(/AADSTS700027/);
  });

  it('is refused when somebody else signs', async () => {
    const [certificate = ''] =
      /-----BEGIN CERTIFICATE-[^]+?-END CERTIFICATE-----\n/.exec(azure().identity.certificatePem) ??
      [];
    const { privateKey } = createClientCertificate('other');
    await expect(withCertificate(certificate + privateKey).getToken(SCOPE)).rejects.toThrow(
      /AADSTS700027/,
    );
  });
});

describe('a federated assertion', () => {
  it('gets a token that opens Redis', async () => {
    expect(await opensRedis(withFederatedToken(azure().identity.federatedTokenFile))).toBe('ready');
    expect(azure().entra.issued.at(-1)?.grant).toBe('federated-assertion');
  });

  it('is refused when it says something else', async () => {
    const file = join(await temporaryFolder(), 'token');
    await writeFile(file, azure().entra.issue());
    await expect(withFederatedToken(file).getToken(SCOPE)).rejects.toThrow(/AADSTS700213/);
  });
});

describe('faults', () => {
  const outcome = async (credential = withSecret()): Promise<string> =>
    credential.getToken(SCOPE).then(
      () => 'token',
      (error: unknown) => String(error),
    );

  it('fail token requests until Entra recovers', async () => {
    azure().entra.fail();
    expect(await outcome()).toMatch(/AADSTS90033/);
    expect(await outcome()).toMatch(/AADSTS90033/);
    azure().entra.recover();
    expect(await outcome()).toBe('token');
  });

  it('fail as often and in the way that is asked for', async () => {
    azure().entra.fail({ status: 400, error: 'invalid_scope', times: 1 });
    expect(await outcome()).toMatch(/invalid_scope/);
    expect(await outcome()).toBe('token');
  });

  it('throttle, and the client tries again when it was told to', async () => {
    azure().entra.throttle();
    const { tenantId, clientId, clientSecret } = azure().identity;
    const patient = new ClientSecretCredential(tenantId, clientId, clientSecret, {
      ...azure().credentialSdkOptions,
      retryOptions: { maxRetries: 1 },
    });
    const before = azure().entra.requests;
    const started = performance.now();
    expect(await outcome(patient)).toMatch(/AADSTS90055/);
    expect(performance.now() - started).toBeGreaterThan(900);
    expect(azure().entra.requests - before).toBe(2);
  });

  it('hang for ever', async () => {
    azure().entra.tokenLifetimeMs = 60_000;
    const credential = withSecret();
    await credential.getToken(SCOPE);
    const before = azure().entra.requests;
    azure().entra.hang();
    let ended = false;
    void outcome(credential).then(() => {
      ended = true;
    });
    await eventually('the request came', () => azure().entra.requests === before + 1);
    azure().entra.recover();
    expect(await outcome()).toBe('token');
    expect(ended).toBe(false);
  });

  it('cut connections', async () => {
    azure().entra.disconnect();
    expect(await outcome()).toMatch(/endpoints_resolution_error|network_error/);
    azure().entra.recover();
    expect(await outcome()).toBe('token');
  });
});

describe('lifetimes', () => {
  it('may be told wrongly', async () => {
    azure().entra.tokenLifetimeMs = 5_000;
    azure().entra.reportedLifetimeMs = 3_600_000;
    const token = await withSecret().getToken(SCOPE);
    azure().entra.reportedLifetimeMs = undefined;
    const truth = azure().entra.issued.at(-1)?.expiresAt ?? 0;
    expect(truth).toBeLessThan(Date.now() + 5_001);
    expect(token?.expiresOnTimestamp).toBeGreaterThan(Date.now() + 3_500_000);
  });

  it('may ask for a refresh ahead of time', async () => {
    azure().entra.tokenLifetimeMs = 3_600_000;
    azure().entra.refreshInMs = 600_000;
    const token = await withSecret().getToken(SCOPE);
    azure().entra.refreshInMs = undefined;
    expect(token?.refreshAfterTimestamp).toBeGreaterThan(Date.now() + 590_000);
    expect(token?.refreshAfterTimestamp).toBeLessThan(Date.now() + 610_000);
  });

  it('of up to 5 minutes are never served from a cache of the SDK', async () => {
    azure().entra.tokenLifetimeMs = 5_000;
    const credential = withSecret();
    const before = azure().entra.requests;
    await credential.getToken(SCOPE);
    await credential.getToken(SCOPE);
    expect(azure().entra.requests - before).toBe(2);
    const ids = azure().entra.issued.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
