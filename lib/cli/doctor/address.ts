import type { LookupFunction } from 'node:net';
import type { AzureRedisOptions } from '../../options/azure-redis-options.interface.js';
import type { Addresses } from './steps/dns.js';

/** Where the cache is, with the addresses that were found for it. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly lookup: LookupFunction;
}

/** For `connect()`: what was resolved once is not resolved again. */
export function addressOf({ host, port }: AzureRedisOptions, addresses: Addresses): Address {
  return {
    host,
    port,
    lookup: (_host, { all = false }, answer) => {
      const [first] = addresses;
      if (all || first === undefined) answer(null, [...addresses]);
      else answer(null, first.address, first.family);
    },
  };
}
