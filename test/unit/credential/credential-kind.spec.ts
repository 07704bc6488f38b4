import { describe, expect, it } from 'vitest';
import { createAzureCredential } from '../../../lib/credential/azure-credential.js';
import { selectCredentialKind } from '../../../lib/credential/credential-kind.js';
import type { AzureCredentialOptions } from '../../../lib/options/azure-redis-options.interface.js';
import { ScriptedCredential } from '../../fixtures/scripted-credential.js';

const ids = { clientId: 'c', tenantId: 't' };

describe('the credential is selected, first match wins:', () => {
  it.each<[AzureCredentialOptions, string]>([
    [{ ...ids, clientSecret: 's', kind: 'azure-cli' }, 'azure-cli'],
    [{ ...ids, clientSecret: 's', certificatePath: 'p', federatedTokenFile: 'f' }, 'client-secret'],
    [{ ...ids, certificatePath: 'p', federatedTokenFile: 'f' }, 'client-certificate'],
    [{ ...ids, certificate: 'pem' }, 'client-certificate'],
    // What AKS injects: a client id alone must not lead to the managed-identity endpoint.
    [{ ...ids, federatedTokenFile: 'f' }, 'workload-identity'],
    [{ federatedTokenFile: 'f' }, 'workload-identity'],
    [ids, 'managed-identity'],
    [{ clientId: 'c' }, 'managed-identity'],
    [{ resourceId: 'r' }, 'managed-identity'],
    [{ objectId: 'o' }, 'managed-identity'],
    [{ tenantId: 't' }, 'default'],
    [{}, 'default'],
  ])('%o means %s', (options, kind) => {
    expect(selectCredentialKind(options)).toBe(kind);
  });

  it('a credential of the user is used as it is', () => {
    const mine = new ScriptedCredential(() => null);
    expect(createAzureCredential(mine)).toBe(mine);
  });
});
