import type {
  AzureCredentialKind,
  AzureCredentialOptions,
} from '../options/azure-redis-options.interface.js';

/**
 * Which credential the options mean, first match wins.
 *
 * A federated token file is looked at before a lone client id: AKS workload identity injects
 * both, and the managed-identity endpoint does not exist there.
 */
export function selectCredentialKind(options: AzureCredentialOptions): AzureCredentialKind {
  if (options.kind !== undefined) return options.kind;
  const { clientId, tenantId } = options;
  if (clientId !== undefined && tenantId !== undefined) {
    if (options.clientSecret !== undefined) return 'client-secret';
    if (options.certificate !== undefined || options.certificatePath !== undefined) {
      return 'client-certificate';
    }
  }
  if (options.federatedTokenFile !== undefined) return 'workload-identity';
  if (
    clientId !== undefined ||
    options.resourceId !== undefined ||
    options.objectId !== undefined
  ) {
    return 'managed-identity';
  }
  return 'default';
}
