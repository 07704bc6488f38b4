import { createHash, generateKeyPair, sign, verify } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { promisify } from 'node:util';

/** Claims by name; what they mean is up to the reader. */
export type Claims = Readonly<Record<string, unknown>>;

/** Signs and checks RS256 tokens, as Entra does. */
export interface SigningKey {
  readonly jwk: JsonWebKey;
  sign(claims: Claims): string;
  /** The claims, or `undefined` when this key did not sign the token. */
  verify(token: string): Claims | undefined;
}

export async function createSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
  });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const kid = createHash('sha1').update(spki).digest('base64url');
  const header = encode({ typ: 'JWT', alg: 'RS256', kid });
  return {
    jwk: { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid },
    sign(claims) {
      const content = `${header}.${encode(claims)}`;
      return `${content}.${sign('sha256', Buffer.from(content), privateKey).toString('base64url')}`;
    },
    verify(token) {
      const parts = splitToken(token);
      if (parts?.header['alg'] !== 'RS256' || parts.header['kid'] !== kid) return undefined;
      return verify('sha256', parts.signed, publicKey, parts.signature) ? parts.claims : undefined;
    },
  };
}

interface TokenParts {
  readonly header: Claims;
  readonly claims: Claims;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** The parts of a signed token, unverified; `undefined` when it is not one. */
export function splitToken(token: string): TokenParts | undefined {
  const [header, claims, signature, ...rest] = token.split('.');
  if (!header || !claims || !signature || rest.length > 0) return undefined;
  const decodedHeader = decode(header);
  const decodedClaims = decode(claims);
  if (!decodedHeader || !decodedClaims) return undefined;
  return {
    header: decodedHeader,
    claims: decodedClaims,
    signed: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  };
}

const encode = (value: Claims): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(part: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
