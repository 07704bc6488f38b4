import { expect, it } from 'vitest';
import { tcpFailure } from '../../../../lib/cli/doctor/steps/tcp.js';
import { resolveAzureRedisOptions } from '../../../../lib/options/resolve-options.js';

const timeout = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });

function advice(host: string, address: string, port?: number): string {
  const options = resolveAzureRedisOptions({ host, ...(port !== undefined && { port }) });
  return tcpFailure(timeout, options, [{ address, family: 4 }]).advice.join('\n');
}

it('a public address hints at the firewall, and at a private endpoint without its DNS zone', () => {
  const text = advice('my.westeurope.redis.azure.net', '20.1.2.3');
  expect(text).toMatch(
    /link the private DNS zone privatelink\.redis\.azure\.net to this virtual network/,
  );
  expect(text).toMatch(/allow public network access and the address of this host in its firewall/);
  expect(text).not.toContain('listens for TLS on');
});

it('a private address hints at the virtual network', () => {
  const text = advice('my.redis.cache.windows.net', '10.0.0.4');
  expect(text).toMatch(/run this inside its virtual network or a peered one/);
  expect(text).not.toContain('firewall.');
});

it.each([
  ['my.redis.cache.windows.net', 10_000, /^Azure Cache for Redis listens for TLS on 6380/],
  ['my.redis.cache.windows.net', 6379, /^Azure Cache for Redis listens for TLS on 6380/],
  ['my.redis.cache.usgovcloudapi.net', 10_000, /^Azure Cache for Redis listens for TLS on 6380/],
  ['my.westeurope.redis.azure.net', 6380, /^Azure Managed Redis listens for TLS on 10000/],
  ['my.chinaeast.redis.chinacloudapi.cn', 6380, /^Azure Managed Redis listens for TLS on 10000/],
])('%s on port %i is told the right port first', (host, port, expected) => {
  expect(advice(host, '20.1.2.3', port)).toMatch(expected);
});

it('nothing is said about the port of a name that is not of Azure', () => {
  expect(advice('redis.example.com', '20.1.2.3', 6379)).not.toContain('listens for TLS on');
});
