/** What an Entra token says about itself. None of it is secret; the token itself is. */
export interface TokenFacts {
  readonly objectId: string | undefined;
  readonly clientId: string | undefined;
  readonly tenantId: string | undefined;
  readonly audience: string | undefined;
}

/** The resource of Azure Redis in the public cloud, by name and by application id. */
const REDIS_AUDIENCE = /^(https:\/\/redis\.azure\.com\/?|acca5fbb-b7e4-4009-81f1-37e38fd66d78)$/;

/** Nothing at all of an opaque token. */
export function readTokenFacts(token: string): TokenFacts {
  const { oid, appid, azp, tid, aud } = claimsOf(token);
  return {
    objectId: text(oid),
    clientId: text(appid) ?? text(azp),
    tenantId: text(tid),
    audience: text(aud),
  };
}

export const isForRedis = ({ audience }: TokenFacts): boolean =>
  audience === undefined || REDIS_AUDIENCE.test(audience);

function claimsOf(token: string): Record<string, unknown> {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const claims: unknown = JSON.parse(payload);
    return { ...(typeof claims === 'object' && claims) };
  } catch {
    return {};
  }
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
