import { authenticateClient } from './client-authentication.js';
import type { Directory } from './directory.js';
import { entraError, type EntraReply, type EntraRequest } from './entra-exchange.js';
import type { SigningKey } from './signing-key.js';
import type { TokenGrants } from './token-grants.js';

/** `login.microsoftonline.com`, as far as a service principal needs it. */
export class AuthorityRoutes {
  readonly #directory: Directory;
  readonly #key: SigningKey;
  readonly #grants: TokenGrants;

  constructor(directory: Directory, key: SigningKey, grants: TokenGrants) {
    this.#directory = directory;
    this.#key = key;
    this.#grants = grants;
  }

  isTokenRequest({ url }: EntraRequest): boolean {
    return url.pathname.endsWith('/oauth2/v2.0/token');
  }

  answer(request: EntraRequest): EntraReply {
    const { origin, pathname } = request.url;
    if (pathname === '/common/discovery/instance') return this.#instance(request.url);
    const [, tenant = '', ...rest] = pathname.split('/');
    if (tenant !== this.#directory.tenantId) {
      return entraError(
        400,
        'invalid_tenant',
        90002,
        `Tenant '${tenant}' not found. Check that you have the correct tenant ID.`,
      );
    }
    switch (rest.join('/')) {
      case 'v2.0/.well-known/openid-configuration':
        return { status: 200, body: openIdConfiguration(`${origin}/${tenant}`) };
      case 'discovery/v2.0/keys':
        return { status: 200, body: { keys: [this.#key.jwk] } };
      case 'oauth2/v2.0/token':
        return this.#token(request);
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  #token(request: EntraRequest): EntraReply {
    const { form } = request;
    if (form.get('grant_type') !== 'client_credentials') {
      return entraError(400, 'unsupported_grant_type', 70003, 'Only client_credentials is known.');
    }
    const scope = form
      .get('scope')
      ?.split(' ')
      .find((name) => name.endsWith('/.default'));
    if (scope === undefined) {
      return entraError(400, 'invalid_scope', 1002012, 'The scope must end in /.default.');
    }
    const authentication = authenticateClient(request, this.#directory, this.#key);
    if ('refusal' in authentication) return authentication.refusal;
    const { application, grant } = authentication;
    return this.#grants.toApplication(application, scope.slice(0, -'/.default'.length), grant);
  }

  /** MSAL asks for this when it does not know the authority, to learn its other names. */
  #instance(url: URL): EntraReply {
    const { host } = new URL(url.searchParams.get('authorization_endpoint') ?? url);
    return {
      status: 200,
      body: {
        tenant_discovery_endpoint: `https://${host}/${this.#directory.tenantId}/v2.0/.well-known/openid-configuration`,
        'api-version': '1.1',
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      },
    };
  }
}

const openIdConfiguration = (authority: string): Record<string, unknown> => ({
  issuer: `${authority}/v2.0`,
  authorization_endpoint: `${authority}/oauth2/v2.0/authorize`,
  token_endpoint: `${authority}/oauth2/v2.0/token`,
  jwks_uri: `${authority}/discovery/v2.0/keys`,
  token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt'],
  response_types_supported: ['code', 'id_token'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
});
