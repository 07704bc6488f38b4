import { createHash, randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { createClientCertificate } from '../certificates.js';

/** Who a token is for. */
export interface Principal {
  readonly objectId: string;
  readonly clientId: string;
  /** Whether Redis has an access policy for this identity. */
  readonly hasAccess: boolean;
}

export interface Application extends Principal {
  readonly clientSecret: string;
}

export interface ManagedIdentity extends Principal {
  readonly resourceId: string;
}

/** Subject of the federated credential: who may exchange an assertion for a token. */
export const FEDERATED_SUBJECT = 'system:serviceaccount:default:local-gateway';
export const FEDERATED_ISSUER = 'https://oidc.local-azure.test';
export const FEDERATED_AUDIENCE = 'api://AzureADTokenExchange';

/** One tenant: its applications and managed identities, with ids that are new on each start. */
export class Directory {
  readonly tenantId = randomUUID();
  readonly application = application(true);
  readonly applicationWithoutAccess = application(false);
  readonly systemAssigned = managedIdentity('virtualMachines/local-vm');
  readonly userAssigned = managedIdentity(
    'Microsoft.ManagedIdentity/userAssignedIdentities/local-identity',
  );
  /** App Service hands this to the app, so that only the app can ask for tokens. */
  readonly identityHeader = randomUUID();
  #certificate: { readonly pem: string; readonly x509: X509Certificate } | undefined;

  get principals(): readonly Principal[] {
    return [
      this.application,
      this.applicationWithoutAccess,
      this.systemAssigned,
      this.userAssigned,
    ];
  }

  /** Certificate and key of the application. Made on first use: RSA takes a tenth of a second. */
  get certificatePem(): string {
    return this.#clientCertificate().pem;
  }

  /** The certificate with this SHA-256 thumbprint (base64url), when it is the application's. */
  certificateByThumbprint(thumbprint: unknown): X509Certificate | undefined {
    const { x509 } = this.#clientCertificate();
    const own = createHash('sha256').update(x509.raw).digest('base64url');
    return thumbprint === own ? x509 : undefined;
  }

  applicationById(clientId: string | null): Application | undefined {
    return [this.application, this.applicationWithoutAccess].find(
      (candidate) => candidate.clientId === clientId,
    );
  }

  #clientCertificate(): { readonly pem: string; readonly x509: X509Certificate } {
    if (!this.#certificate) {
      const { certificate, privateKey } = createClientCertificate(this.application.clientId);
      this.#certificate = { pem: certificate + privateKey, x509: new X509Certificate(certificate) };
    }
    return this.#certificate;
  }
}

const application = (hasAccess: boolean): Application => ({
  objectId: randomUUID(),
  clientId: randomUUID(),
  clientSecret: randomBytes(24).toString('base64url'),
  hasAccess,
});

const managedIdentity = (resource: string): ManagedIdentity => ({
  objectId: randomUUID(),
  clientId: randomUUID(),
  resourceId: `/subscriptions/${randomUUID()}/resourceGroups/local/providers/${resource}`,
  hasAccess: true,
});
