import type { EntraEmulator } from './entra/entra-emulator.js';
import type { LocalConnection, LocalIdentity } from './local-azure.interface.js';

export function localEnvironment(
  identity: LocalIdentity,
  connection: LocalConnection,
  rootCertificateFile: string,
  proxyUrl: string,
): Record<string, string> {
  return {
    AZURE_TENANT_ID: identity.tenantId,
    AZURE_CLIENT_ID: identity.clientId,
    AZURE_CLIENT_SECRET: identity.clientSecret,
    REDIS_HOST: connection.host,
    REDIS_PORT: String(connection.port),
    REDIS_SSL: 'true',
    NODE_EXTRA_CA_CERTS: rootCertificateFile,
    HTTPS_PROXY: proxyUrl,
    HTTP_PROXY: proxyUrl,
    NO_PROXY: 'localhost,127.0.0.1',
  };
}

export function managedIdentityEnvironment(
  source: 'imds' | 'app-service',
  entra: EntraEmulator,
  identityHeader: string,
): Record<string, string> {
  return source === 'imds'
    ? { AZURE_POD_IDENTITY_AUTHORITY_HOST: entra.managedIdentityUrl }
    : { IDENTITY_ENDPOINT: entra.appServiceUrl, IDENTITY_HEADER: identityHeader };
}
