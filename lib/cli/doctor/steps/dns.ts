import type { LookupAddress } from 'node:dns';
import { withDeadline } from '../../../azure-redis.deadline.js';
import { explainConnectionError } from '../../../client/explain-connection-error.js';
import type { AzureRedisOptions } from '../../../options/azure-redis-options.interface.js';
import { kindOfAddress } from '../address-kind.js';
import { type Finding, StepFailure } from '../step.js';

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export type Addresses = readonly LookupAddress[];

/** Resolves the name as the sockets will do it. */
export async function checkDns(
  options: AzureRedisOptions,
  resolve: Resolve,
): Promise<Finding<Addresses>> {
  const { host, deadlines } = options;
  const addresses = await withDeadline(resolve(host), deadlines.connectMs, () => {
    const fact = `no answer within ${deadlines.connectMs} ms`;
    return new StepFailure(fact, ['Check the DNS servers of this host or container.']);
  }).catch((error: unknown) => {
    throw dnsFailure(error, options);
  });
  const shown = addresses.map(({ address }) => `${address} (${kindOfAddress(address)})`);
  return {
    value: addresses,
    fact: shown.join(', '),
    facts: {
      addresses: addresses.map(({ address }) => address),
      kinds: addresses.map(({ address }) => kindOfAddress(address)),
    },
  };
}

function dnsFailure(error: unknown, options: AzureRedisOptions): unknown {
  if (error instanceof StepFailure) return error;
  const { host } = options;
  const { message, code } = explainConnectionError(error, options);
  const advice = host.includes('.')
    ? []
    : [
        'Write the whole name, e.g. my-cache.westeurope.redis.azure.net; the Azure portal shows it.',
      ];
  if (/EAI_AGAIN/.test(message)) {
    return new StepFailure('the DNS server does not answer', [
      'Check the DNS servers of this host or container, and its way to them.',
    ]);
  }
  return new StepFailure(`no address for ${host}`, [...advice, message], { code });
}
