import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createCertificateAuthority,
  createClientCertificate,
} from '../../../lib/testing/certificates.js';

describe('certificates', () => {
  it('come from a root that signs them, for DNS names only, and for now', () => {
    const root = createCertificateAuthority();
    const authority = new X509Certificate(root.certificate);
    const issued = root.issue(['localhost', '*.local.redis.azure.net']);
    const leaf = new X509Certificate(issued.certificate);
    expect(authority.ca).toBe(true);
    expect(authority.verify(authority.publicKey)).toBe(true);
    expect(leaf.ca).toBe(false);
    expect(leaf.checkIssued(authority)).toBe(true);
    expect(leaf.verify(authority.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(createPrivateKey(issued.privateKey))).toBe(true);
    expect(leaf.subjectAltName).toBe('DNS:localhost, DNS:*.local.redis.azure.net');
    expect(leaf.checkHost('cache.local.redis.azure.net')).toBeDefined();
    expect(leaf.checkHost('elsewhere.test')).toBeUndefined();
    expect(leaf.checkIP('127.0.0.1')).toBeUndefined();
    expect(Date.parse(leaf.validFrom)).toBeLessThan(Date.now());
    expect(Date.parse(leaf.validTo)).toBeGreaterThan(Date.now());
  });

  it('have a serial number of their own', () => {
    const root = createCertificateAuthority();
    const serials = Array.from(
      { length: 50 },
      () => new X509Certificate(root.issue(['localhost']).certificate).serialNumber,
    );
    expect(new Set(serials).size).toBe(50);
  });

  it('of a service principal are RSA and signed by themselves', () => {
    const { certificate, privateKey } = createClientCertificate('app');
    const own = new X509Certificate(certificate);
    expect(own.verify(own.publicKey)).toBe(true);
    expect(own.publicKey.asymmetricKeyType).toBe('rsa');
    expect(own.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
  });
});
