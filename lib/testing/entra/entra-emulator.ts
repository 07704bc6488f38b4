import type { Certificate } from '../certificates.js';
import { AuthorityRoutes } from './authority-routes.js';
import type { Directory } from './directory.js';
import { EntraFault } from './entra-fault.js';
import { EntraServers } from './entra-servers.js';
import type {
  EntraFailure,
  IssuedToken,
  LocalEntra,
  LocalTokenClaims,
} from './local-entra.interface.js';
import { APP_SERVICE_PATH, ManagedIdentityRoutes } from './managed-identity-routes.js';
import type { SigningKey } from './signing-key.js';
import { TokenGrants } from './token-grants.js';
import type { TokenIssuer } from './token-issuer.js';

/** Names that the certificate of the emulator carries, and that its proxy tunnels. */
export const AUTHORITY_HOSTS = [
  'localhost',
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
];

export class EntraEmulator implements LocalEntra {
  readonly #directory: Directory;
  readonly #issuer: TokenIssuer;
  readonly #grants: TokenGrants;
  readonly #fault = new EntraFault();
  readonly #servers: EntraServers;
  #requests = 0;

  constructor(
    directory: Directory,
    key: SigningKey,
    issuer: TokenIssuer,
    certificate: Certificate,
  ) {
    this.#directory = directory;
    this.#issuer = issuer;
    this.#grants = new TokenGrants(issuer);
    this.#servers = new EntraServers(
      certificate,
      new AuthorityRoutes(directory, key, this.#grants),
      new ManagedIdentityRoutes(directory, this.#grants),
      (isTokenRequest) => {
        if (isTokenRequest) this.#requests += 1;
        return this.#fault.next(isTokenRequest);
      },
      AUTHORITY_HOSTS,
    );
  }

  start(): Promise<void> {
    return this.#servers.listen();
  }

  stop(): Promise<void> {
    return this.#servers.close();
  }

  get url(): string {
    return `https://localhost:${this.#servers.httpsPort}`;
  }

  /** Where IMDS and App Service answer; the HTTP proxy too. */
  get managedIdentityUrl(): string {
    return `http://127.0.0.1:${this.#servers.httpPort}`;
  }

  get appServiceUrl(): string {
    return this.managedIdentityUrl + APP_SERVICE_PATH;
  }

  get issued(): readonly IssuedToken[] {
    return this.#grants.issued;
  }

  get requests(): number {
    return this.#requests;
  }

  get tokenLifetimeMs(): number {
    return this.#issuer.tokenLifetimeMs;
  }

  set tokenLifetimeMs(ms: number) {
    this.#issuer.tokenLifetimeMs = ms;
  }

  get reportedLifetimeMs(): number | undefined {
    return this.#grants.reportedLifetimeMs;
  }

  set reportedLifetimeMs(ms: number | undefined) {
    this.#grants.reportedLifetimeMs = ms;
  }

  get refreshInMs(): number | undefined {
    return this.#grants.refreshInMs;
  }

  set refreshInMs(ms: number | undefined) {
    this.#grants.refreshInMs = ms;
  }

  get clockSkewMs(): number {
    return this.#issuer.clockSkewMs;
  }

  set clockSkewMs(ms: number) {
    this.#issuer.clockSkewMs = ms;
  }

  issue(
    claims: { [Name in keyof LocalTokenClaims]?: LocalTokenClaims[Name] | undefined } = {},
  ): string {
    const own = this.#issuer.claimsFor(this.#directory.application, 'https://redis.azure.com');
    return this.#issuer.sign({ ...own, ...claims });
  }

  fail(options: EntraFailure = {}): void {
    this.#fault.fail(options);
  }

  throttle(retryAfterSeconds = 1): void {
    this.#fault.fail({ status: 429, retryAfterSeconds });
  }

  hang(): void {
    this.#fault.set('hang');
  }

  disconnect(): void {
    this.#fault.set('disconnect');
    this.#servers.disconnect();
  }

  recover(): void {
    this.#fault.set(undefined);
  }
}
