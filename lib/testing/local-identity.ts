import {
  FEDERATED_AUDIENCE,
  FEDERATED_ISSUER,
  FEDERATED_SUBJECT,
  type Directory,
} from './entra/directory.js';
import type { SigningKey } from './entra/signing-key.js';
import type { LocalIdentity } from './local-azure.interface.js';
import type { Workspace } from './workspace.js';

const FEDERATED_LIFETIME_S = 24 * 3600;

export async function createLocalIdentity(
  directory: Directory,
  key: SigningKey,
  workspace: Workspace,
): Promise<LocalIdentity> {
  const { application, applicationWithoutAccess, systemAssigned, userAssigned } = directory;
  const federatedTokenFile = await workspace.write('federated-token', federatedToken(key));
  return {
    tenantId: directory.tenantId,
    clientId: application.clientId,
    clientSecret: application.clientSecret,
    objectId: application.objectId,
    get certificatePem() {
      return directory.certificatePem;
    },
    get certificatePath() {
      return workspace.writeOnce('client-certificate.pem', () => directory.certificatePem);
    },
    federatedTokenFile,
    systemAssignedObjectId: systemAssigned.objectId,
    userAssignedClientId: userAssigned.clientId,
    userAssignedObjectId: userAssigned.objectId,
    userAssignedResourceId: userAssigned.resourceId,
    withoutAccess: {
      clientId: applicationWithoutAccess.clientId,
      clientSecret: applicationWithoutAccess.clientSecret,
      objectId: applicationWithoutAccess.objectId,
    },
  };
}

/** What Kubernetes projects into a pod for its service account. */
function federatedToken(key: SigningKey): string {
  const now = Math.floor(Date.now() / 1000);
  return key.sign({
    iss: FEDERATED_ISSUER,
    sub: FEDERATED_SUBJECT,
    aud: FEDERATED_AUDIENCE,
    iat: now,
    exp: now + FEDERATED_LIFETIME_S,
  });
}
