import type { PeerCertificate } from 'node:tls';

/** What a certificate says, in words. */
export interface Certificate {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validUntil: string;
}

export function readCertificate(certificate: Partial<PeerCertificate>): Certificate {
  const { subject, issuer, subjectaltname: names = '', valid_to: validTo = '' } = certificate;
  const until = new Date(validTo);
  return {
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    names: names.split(', ').map((name) => name.replace(/^DNS:/, '')),
    validUntil: Number.isNaN(until.getTime()) ? 'unknown' : until.toISOString(),
  };
}

export function describeCertificate({ subject, issuer, validUntil }: Certificate): string {
  return `certificate of ${subject} by ${issuer}, valid until ${validUntil.slice(0, 10)}`;
}

function nameOf(name: { CN?: string | string[]; O?: string | string[] } | undefined): string {
  return [name?.CN ?? name?.O ?? 'unknown'].flat().join(', ');
}
