import { access, constants } from 'node:fs/promises';
import type { TokenCredential } from '@azure/identity';
import { createAzureCredential } from '../../../credential/azure-credential.js';
import { selectCredentialKind } from '../../../credential/credential-kind.js';
import type {
  AzureCredentialKind,
  AzureCredentialOptions,
  AzureRedisOptions,
} from '../../../options/azure-redis-options.interface.js';
import { isTokenCredential } from '../../../options/credential-options.js';
import { type Finding, StepFailure } from '../step.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Which credential the options mean, and why; it is asked for nothing yet. */
export async function checkCredential({
  credential,
}: AzureRedisOptions): Promise<Finding<TokenCredential>> {
  if (isTokenCredential(credential)) {
    return { value: credential, fact: 'the TokenCredential that was passed' };
  }
  const kind = selectCredentialKind(credential);
  const reason = reasonFor(kind, credential);
  await checkFile(credential.certificatePath, 'PEM file of certificate and private key');
  await checkFile(credential.federatedTokenFile, 'projected service account token');
  const { clientId, tenantId, authorityHost } = credential;
  return {
    value: createAzureCredential(credential),
    fact: `${kind}, because ${reason}`,
    facts: {
      kind,
      reason,
      ...(clientId !== undefined && { clientId }),
      ...(tenantId !== undefined && { tenantId }),
      ...(authorityHost !== undefined && { authorityHost }),
    },
    advice: adviceFor(kind, credential),
  };
}

function reasonFor(kind: AzureCredentialKind, credential: AzureCredentialOptions): string {
  if (credential.kind !== undefined) return 'it is asked for by kind';
  switch (kind) {
    case 'client-secret':
      return 'client id, tenant id and client secret are there';
    case 'client-certificate':
      return 'client id, tenant id and a certificate are there';
    case 'workload-identity':
      return 'a federated token file is there';
    case 'managed-identity':
      return `${credential.clientId === undefined ? 'the id of a managed identity' : 'a client id'} is there, and no secret`;
    default:
      return 'nothing names an identity';
  }
}

function adviceFor(
  kind: AzureCredentialKind,
  { clientSecret = '' }: AzureCredentialOptions,
): readonly string[] {
  if (kind === 'default') {
    return [
      'DefaultAzureCredential takes the first that it finds: environment, workload identity, managed identity, az login. ' +
        'In production name one, e.g. with "kind".',
    ];
  }
  return UUID.test(clientSecret)
    ? ['The client secret looks like the id of a secret; what is needed is its value.']
    : [];
}

async function checkFile(path: string | undefined, what: string): Promise<void> {
  if (path === undefined) return;
  await access(path, constants.R_OK).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new StepFailure(`cannot read the ${what}`, [
      `${path}: ${code}. Mount or copy the file there, readable for this user, or correct the path.`,
    ]);
  });
}
