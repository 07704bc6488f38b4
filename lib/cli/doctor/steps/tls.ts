import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { withDeadline } from '../../../azure-redis.deadline.js';
import { AzureRedisError } from '../../../azure-redis.errors.js';
import { explainConnectionError } from '../../../client/explain-connection-error.js';
import type { AzureRedisOptions } from '../../../options/azure-redis-options.interface.js';
import type { Address } from '../address.js';
import { portAdvice } from '../azure-service.js';
import { type Certificate, describeCertificate, readCertificate } from '../certificate.js';
import { type Finding, StepFailure } from '../step.js';
import { checkPlainText } from './plain-text.js';

/** Does the TLS handshake of a client; without TLS it makes sure that the port wants none. */
export async function checkTls(
  options: AzureRedisOptions,
  address: Address,
): Promise<Finding<true>> {
  if (options.tls === false) return checkPlainText(options, address);
  try {
    const { certificate, protocol } = await handshake(options, address);
    return {
      value: true,
      fact: `${protocol}, ${describeCertificate(certificate)}`,
      facts: { protocol, ...certificate },
    };
  } catch (error) {
    throw await tlsFailure(error, options, address);
  }
}

async function handshake(
  { tls, deadlines }: AzureRedisOptions,
  address: Address,
  more: { rejectUnauthorized?: false } = {},
): Promise<{ certificate: Certificate; protocol: string }> {
  const socket: TLSSocket = connect({ ...address, ...tls, ...more });
  try {
    await withDeadline(once(socket, 'secureConnect'), deadlines.connectMs, () => {
      const what = `${address.host}:${address.port} accepts connections and does not answer a TLS handshake within ${deadlines.connectMs} ms.`;
      return new AzureRedisError(
        'TLS_FAILED',
        `${what} Use the TLS port of the cache: 10000 (Azure Managed Redis) or 6380 (Azure Cache for Redis); ` +
          'on the right port a firewall or a proxy in between swallows TLS.',
      );
    });
    return {
      certificate: readCertificate(socket.getPeerCertificate()),
      protocol: socket.getProtocol() ?? 'unknown',
    };
  } finally {
    socket.destroy();
  }
}

async function tlsFailure(
  error: unknown,
  options: AzureRedisOptions,
  address: Address,
): Promise<StepFailure> {
  const { code, message } = explainConnectionError(error, options);
  const isCertificate = /CERT|UNABLE_TO|SELF_SIGNED/.test(message);
  // Only to name the certificate that was refused just now: nothing is sent on this socket.
  const seen = isCertificate
    ? await handshake(options, address, { rejectUnauthorized: false }).catch(() => undefined)
    : undefined;
  if (seen === undefined) {
    return new StepFailure('no TLS handshake', [...portAdvice(options), message], { code });
  }
  const { certificate } = seen;
  return new StepFailure(
    `refused ${describeCertificate(certificate)}`,
    [message, ...certificateAdvice(message, certificate)],
    { code, ...certificate },
  );
}

function certificateAdvice(message: string, { names, issuer }: Certificate): readonly string[] {
  if (/ALTNAME/.test(message)) return [`The certificate is for ${names.join(', ')}.`];
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(message)) {
    return ['Compare the clock of this host with the dates of the certificate.'];
  }
  return [
    `If ${issuer} is an inspecting proxy, exempt the cache from inspection, or trust it: ` +
      'NODE_EXTRA_CA_CERTS=<file>, "tls.ca" in code, --ca-file here.',
  ];
}
