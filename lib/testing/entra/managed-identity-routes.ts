import type { Directory, ManagedIdentity } from './directory.js';
import type { EntraReply, EntraRequest } from './entra-exchange.js';
import type { TokenGrants } from './token-grants.js';

/** Without the slash in the documentation, with it from MSAL. */
const IMDS_PATH = /^\/metadata\/identity\/oauth2\/token\/?$/;

export const APP_SERVICE_PATH = '/msi/token';

/** The token endpoints that Azure offers inside a virtual machine and inside App Service. */
export class ManagedIdentityRoutes {
  readonly #directory: Directory;
  readonly #grants: TokenGrants;

  constructor(directory: Directory, grants: TokenGrants) {
    this.#directory = directory;
    this.#grants = grants;
  }

  isTokenRequest({ url, headers }: EntraRequest): boolean {
    return (
      url.pathname === APP_SERVICE_PATH ||
      // DefaultAzureCredential first probes without the header, to see whether IMDS is there.
      (IMDS_PATH.test(url.pathname) && headers['metadata'] !== undefined)
    );
  }

  answer(request: EntraRequest): EntraReply {
    const { url, headers } = request;
    const isImds = IMDS_PATH.test(url.pathname);
    if (!isImds && url.pathname !== APP_SERVICE_PATH) {
      return { status: 404, body: { error: 'not_found' } };
    }
    if (isImds && headers['metadata'] !== 'true') {
      return invalidRequest('Required metadata header not specified');
    }
    if (!isImds && headers['x-identity-header'] !== this.#directory.identityHeader) {
      return { status: 401, body: { error: 'unauthorized', error_description: 'Wrong header' } };
    }
    const resource = url.searchParams.get('resource');
    if (resource === null) return invalidRequest('The resource parameter is missing');
    const identity = this.#identity(url.searchParams);
    if (!identity) return invalidRequest('Identity not found');
    return this.#grants.toManagedIdentity(identity, resource, isImds ? 'imds' : 'app-service');
  }

  #identity(query: URLSearchParams): ManagedIdentity | undefined {
    const { systemAssigned, userAssigned } = this.#directory;
    const given = [
      [query.get('client_id'), userAssigned.clientId],
      [query.get('object_id') ?? query.get('principal_id'), userAssigned.objectId],
      [query.get('msi_res_id') ?? query.get('mi_res_id'), userAssigned.resourceId],
    ].filter(([id]) => id !== null);
    if (given.length === 0) return systemAssigned;
    return given.every(([id, own]) => id === own) ? userAssigned : undefined;
  }
}

const invalidRequest = (description: string): EntraReply => ({
  status: 400,
  body: { error: 'invalid_request', error_description: description },
});
