import { randomBytes } from 'node:crypto';
import type { Directory, Principal } from './directory.js';
import type { LocalTokenClaims } from './local-entra.interface.js';
import type { SigningKey } from './signing-key.js';

/** What Redis needs to know of a valid token. */
export interface AcceptedToken {
  readonly objectId: string;
  /** Unix milliseconds on the clock of the issuer. */
  readonly expiresAt: number;
}

/** The resource, by name and by application id; Entra puts into `aud` what was asked for. */
const REDIS_AUDIENCES: readonly unknown[] = [
  'https://redis.azure.com',
  'acca5fbb-b7e4-4009-81f1-37e38fd66d78',
];

/** Makes and judges tokens with one key, one tenant and one clock. */
export class TokenIssuer {
  tokenLifetimeMs: number;
  clockSkewMs = 0;
  readonly #directory: Directory;
  readonly #key: SigningKey;
  readonly #revoked = new Set<string>();

  constructor(directory: Directory, key: SigningKey, tokenLifetimeMs: number) {
    this.#directory = directory;
    this.#key = key;
    this.tokenLifetimeMs = tokenLifetimeMs;
  }

  now(): number {
    return Date.now() + this.clockSkewMs;
  }

  claimsFor(principal: Principal, audience: string): LocalTokenClaims {
    const { tenantId } = this.#directory;
    const issuedAt = Math.floor(this.now() / 1000);
    return {
      aud: audience,
      iss: `https://sts.windows.net/${tenantId}/`,
      iat: issuedAt,
      nbf: issuedAt,
      exp: Math.floor((this.now() + this.tokenLifetimeMs) / 1000),
      appid: principal.clientId,
      oid: principal.objectId,
      sub: principal.objectId,
      tid: tenantId,
      uti: randomBytes(16).toString('base64url'),
    };
  }

  sign(claims: Readonly<Partial<Record<keyof LocalTokenClaims, unknown>>>): string {
    return this.#key.sign({ ...claims, appidacr: '1', idtyp: 'app', ver: '1.0' });
  }

  /** The rules of Azure Redis: audience, tenant, time, an access policy, and the user is the `oid`. */
  judge(token: string, username: string): AcceptedToken | undefined {
    const claims = this.#key.verify(token);
    if (!claims) return undefined;
    const { aud, tid, exp, nbf, oid } = claims;
    const now = this.now();
    if (!REDIS_AUDIENCES.includes(aud) || tid !== this.#directory.tenantId) return undefined;
    if (typeof exp !== 'number' || exp * 1000 <= now) return undefined;
    if (typeof nbf !== 'number' || nbf * 1000 > now) return undefined;
    if (typeof oid !== 'string' || oid !== username || !this.#hasAccess(oid)) return undefined;
    return { objectId: oid, expiresAt: exp * 1000 };
  }

  /** Redis refuses the identity from now on; Entra knows nothing of it. */
  revoke(objectId: string): void {
    this.#revoked.add(objectId);
  }

  forgive(): void {
    this.#revoked.clear();
  }

  #hasAccess(oid: string): boolean {
    const principal = this.#directory.principals.find(({ objectId }) => objectId === oid);
    return principal?.hasAccess === true && !this.#revoked.has(oid);
  }
}
