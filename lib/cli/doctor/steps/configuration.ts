import type {
  AzureRedisModuleOptions,
  AzureRedisOptions,
} from '../../../options/azure-redis-options.interface.js';
import { resolveAzureRedisOptions } from '../../../options/resolve-options.js';
import { portAdvice } from '../azure-service.js';
import type { Finding } from '../step.js';

/** Where the options come from; throws when they are wrong. */
export interface OptionSource {
  readonly read: () => AzureRedisModuleOptions;
  /** What to say about the source, known once it was read. */
  readonly advice?: () => readonly string[];
}

/** Reads and completes the options. */
export function checkConfiguration(source: OptionSource): Finding<AzureRedisOptions> {
  const options = resolveAzureRedisOptions(source.read());
  const { host, port, topology, scope, db } = options;
  const hasTls = options.tls !== false;
  return {
    value: options,
    fact: `${host}:${port}, ${topology}, ${hasTls ? 'TLS' : 'no TLS'}`,
    facts: { host, port, topology, tls: hasTls, db, scope, namespace: options.cache.namespace },
    advice: [...(source.advice?.() ?? []), ...portAdvice(options)],
  };
}
