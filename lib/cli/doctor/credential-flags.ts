import type {
  AzureCredentialKind,
  AzureCredentialOptions,
} from '../../options/azure-redis-options.interface.js';
import type { DoctorFlags } from './doctor-flags.js';

type Id = keyof AzureCredentialOptions;

/** What each kind takes from the environment; the rest of it belongs to other identities. */
const IDS: Readonly<Record<AzureCredentialKind, readonly Id[]>> = {
  default: ['clientId', 'tenantId'],
  'managed-identity': ['clientId'],
  'client-secret': ['clientId', 'tenantId', 'clientSecret'],
  'client-certificate': ['clientId', 'tenantId', 'certificatePath'],
  'workload-identity': ['clientId', 'tenantId', 'federatedTokenFile'],
  'azure-cli': ['tenantId'],
};

const IDS_BY_FLAG: readonly (readonly [flag: keyof DoctorFlags, id: Id])[] = [
  ['client-id', 'clientId'],
  ['tenant-id', 'tenantId'],
  ['certificate-path', 'certificatePath'],
  ['federated-token-file', 'federatedTokenFile'],
];

/**
 * Which members of `credential` stay when flags name an identity, so that the environment does
 * not turn it into another one; `undefined` when they do not.
 */
export function idsToKeep(flags: DoctorFlags): readonly string[] | undefined {
  const ids = idsOf(flags);
  const byFlag = IDS_BY_FLAG.filter(([flag]) => flags[flag] !== undefined).map(([, id]) => id);
  return ids && ['authorityHost', ...byFlag, ...ids];
}

function idsOf(flags: DoctorFlags): readonly Id[] | undefined {
  const kind = flags['credential-kind'];
  if (kind !== undefined) return Object.entries(IDS).find(([name]) => name === kind)?.[1] ?? [];
  if (flags['object-id'] !== undefined || flags['resource-id'] !== undefined) return [];
  if (flags['certificate-path'] !== undefined) return IDS['client-certificate'];
  return flags['federated-token-file'] === undefined ? undefined : IDS['workload-identity'];
}
