import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { AzureRedisModuleOptions } from './azure-redis-options.interface.js';
import { frozenSecretCopy } from './frozen-copy.js';
import type { OptionReader } from './option-reader.js';

/** `tls.connect()` would dial these instead of host and port, and send the token there. */
const ADDRESS_NAMES = ['host', 'port', 'path', 'socket'];

const SECRETS = ['key', 'pfx', 'passphrase', 'pskCallback'];

/** Adds what is wrong with `options.tls`. */
export function checkTls(options: OptionReader): void {
  if (typeof options.value('tls') === 'boolean') return;
  const tls = options.section(
    'tls',
    'true, false or the options of tls.connect()',
    'leave it out: TLS is on by default',
  );
  if (tls === undefined) return;
  if (tls.value('rejectUnauthorized') === false) {
    tls.problem(
      'rejectUnauthorized',
      'certificate checks to stay on',
      'false',
      `trust a private certificate authority with ${tls.nameOf('ca')}, and give the name in the ` +
        `certificate as ${tls.nameOf('servername')} when you connect by another name`,
    );
  }
  for (const name of ADDRESS_NAMES.filter((address) => tls.has(address))) {
    tls.problem(
      name,
      'no address in the TLS options',
      'one',
      `use the options host and port; ${tls.nameOf('servername')} is the name in the certificate`,
    );
  }
  const expected = 'the DNS name in the certificate';
  const servername = tls.text('servername', expected, 'leave it out to use host');
  if (servername !== undefined && isIP(servername) !== 0) {
    tls.problem('servername', expected, 'an IP address', 'SNI takes DNS names only (RFC 6066)');
  }
}

/** The options for `tls.connect()`, checked against `host` unless a servername is given. */
export function resolveTls(
  tls: AzureRedisModuleOptions['tls'],
  host: string,
): false | Readonly<ConnectionOptions> {
  if (tls === false) return false;
  const given: ConnectionOptions = typeof tls === 'object' ? tls : {};
  // Node refuses an IP address as SNI; the certificate is then checked against the address.
  const servername = given.servername ?? (isIP(host) === 0 ? host : undefined);
  return frozenSecretCopy({ ...given, ...(servername !== undefined && { servername }) }, SECRETS);
}
