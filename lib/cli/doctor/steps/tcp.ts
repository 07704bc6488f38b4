import { once } from 'node:events';
import { connect } from 'node:net';
import { withDeadline } from '../../../azure-redis.deadline.js';
import { explainConnectionError } from '../../../client/explain-connection-error.js';
import type { AzureRedisOptions } from '../../../options/azure-redis-options.interface.js';
import { kindOfAddress } from '../address-kind.js';
import { type Address, addressOf } from '../address.js';
import { azureServiceOf, portAdvice } from '../azure-service.js';
import { type Finding, StepFailure } from '../step.js';
import type { Addresses } from './dns.js';

/** Opens a socket and closes it again. */
export async function checkTcp(
  options: AzureRedisOptions,
  addresses: Addresses,
): Promise<Finding<Address>> {
  const address = addressOf(options, addresses);
  const { connectMs } = options.deadlines;
  const socket = connect(address);
  try {
    await withDeadline(once(socket, 'connect'), connectMs, () =>
      Object.assign(new Error(`no answer within ${connectMs} ms`), { code: 'ETIMEDOUT' }),
    );
    const { remoteAddress = '', remotePort = 0 } = socket;
    return {
      value: address,
      fact: `connected to ${remoteAddress} on port ${remotePort}`,
      facts: { address: remoteAddress, port: remotePort },
    };
  } catch (error) {
    throw tcpFailure(error, options, addresses);
  } finally {
    socket.destroy();
  }
}

/** Azure answers a firewall's "no" with silence, and a port that it does not serve too. */
export function tcpFailure(
  error: unknown,
  options: AzureRedisOptions,
  addresses: Addresses,
): StepFailure {
  const { host, port } = options;
  const { code, message } = explainConnectionError(error, options);
  const isRefused = /ECONNREFUSED/.test(message);
  const kinds = new Set(addresses.map(({ address }) => kindOfAddress(address)));
  const zone = azureServiceOf(host)?.privateZone;
  return new StepFailure(
    isRefused ? `nothing listens on port ${port}` : `no connection to port ${port}`,
    [
      ...portAdvice(options),
      message,
      ...(kinds.has('private')
        ? ['The name has a private address: run this inside its virtual network or a peered one.']
        : []),
      ...(kinds.has('public')
        ? [
            'The name has a public address. If the cache has a private endpoint, link ' +
              `${zone === undefined ? 'its private DNS zone' : `the private DNS zone ${zone}`} to this virtual network; ` +
              'if not, allow public network access and the address of this host in its firewall.',
          ]
        : []),
    ],
    { code },
  );
}
