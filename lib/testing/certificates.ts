import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateAuthority {
  /** PEM of the root certificate. */
  readonly certificate: string;
  /** A server certificate for DNS names; like Azure's it names no IP address. */
  issue(dnsNames: readonly string[]): Certificate;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A root that lives as long as one local Azure. ECDSA, because RSA keys take 100 times longer. */
export function createCertificateAuthority(): CertificateAuthority {
  const name = 'Local Azure Root CA';
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = x509(name, keys, name, keys, [
    extension(OID.basicConstraints, true, sequence(der(0x01, Buffer.from([0xff])))),
    extension(OID.keyUsage, true, bits(0x06, 1)),
  ]);
  return {
    certificate,
    issue(dnsNames) {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = dnsNames.map((dnsName) => der(0x82, Buffer.from(dnsName, 'ascii')));
      return {
        certificate: x509(dnsNames[0] ?? 'localhost', leaf, name, keys, [
          extension(OID.basicConstraints, true, sequence()),
          extension(OID.keyUsage, true, bits(0x80, 7)),
          extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
          extension(OID.subjectAltName, false, sequence(...names)),
        ]),
        privateKey: pem(leaf.privateKey),
      };
    },
  };
}

/** What a service principal signs its assertions with; Entra wants RSA. */
export function createClientCertificate(commonName: string): Certificate {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    certificate: x509(commonName, keys, commonName, keys, [
      extension(OID.keyUsage, true, bits(0x80, 7)),
    ]),
    privateKey: pem(keys.privateKey),
  };
}

const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
};

const DAY_MS = 86_400_000;

/** RFC 5280, section 4.1. */
function x509(
  subject: string,
  keys: KeyPair,
  issuer: string,
  issuerKeys: KeyPair,
  extensions: readonly Buffer[],
): string {
  const algorithm =
    issuerKeys.privateKey.asymmetricKeyType === 'rsa'
      ? sequence(oid(OID.sha256WithRsa), der(0x05))
      : sequence(oid(OID.ecdsaWithSha256));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and not shortened by a leading zero
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serial),
    algorithm,
    distinguishedName(issuer),
    sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + 30 * DAY_MS)),
    distinguishedName(subject),
    spki(keys.publicKey),
    der(
      0xa3,
      sequence(
        ...extensions,
        extension(OID.subjectKeyIdentifier, false, der(0x04, keyIdentifier(keys.publicKey))),
        extension(
          OID.authorityKeyIdentifier,
          false,
          sequence(der(0x80, keyIdentifier(issuerKeys.publicKey))),
        ),
      ),
    ),
  );
  const signature = sign('sha256', toBeSigned, issuerKeys.privateKey);
  const bytes = sequence(toBeSigned, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);

const bits = (byte: number, unused: number): Buffer => der(0x03, Buffer.from([unused, byte]));

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const base128 = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) base128.unshift((left & 0x7f) | 0x80);
    return base128;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [der(0x01, Buffer.from([0xff]))] : []), der(0x04, value));

const distinguishedName = (commonName: string): Buffer =>
  sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(commonName)))));

const utcTime = (ms: number): Buffer =>
  der(
    0x17,
    Buffer.from(
      `${new Date(ms)
        .toISOString()
        .replace(/[-:T]|\..*/g, '')
        .slice(2)}Z`,
    ),
  );

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

const keyIdentifier = (key: KeyObject): Buffer => createHash('sha1').update(spki(key)).digest();

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
