/** What the name of a cache tells about it. */
export interface AzureService {
  readonly name: string;
  /** Its TLS port. */
  readonly port: number;
  /** The DNS zone of its private endpoints. */
  readonly privateZone: string;
  /** Gives an identity access to the data, as a command of the Azure CLI. */
  accessCommand(objectId: string): string;
}

const MANAGED_REDIS = ['redis.azure.net', 'redis.chinacloudapi.cn', 'redis.usgovcloudapi.net'];
const CACHE_FOR_REDIS = ['windows.net', 'chinacloudapi.cn', 'usgovcloudapi.net'].map(
  (cloud) => `redis.cache.${cloud}`,
);

/** `undefined` for any other name, e.g. one of your own domain. */
export function azureServiceOf(host: string): AzureService | undefined {
  const [resource = ''] = host.split('.');
  const isBelow = (suffix: string): boolean => host.toLowerCase().endsWith(`.${suffix}`);
  const cacheSuffix = CACHE_FOR_REDIS.find(isBelow);
  if (cacheSuffix !== undefined) {
    return {
      name: 'Azure Cache for Redis',
      port: 6380,
      privateZone: `privatelink.${cacheSuffix}`,
      accessCommand: (objectId) =>
        `az redis access-policy-assignment create --resource-group <group> --name ${resource} ` +
        `--policy-assignment-name <name> --access-policy-name "Data Contributor" ` +
        `--object-id ${objectId} --object-id-alias <alias>`,
    };
  }
  const managedSuffix = MANAGED_REDIS.find(isBelow);
  if (managedSuffix === undefined) return undefined;
  return {
    name: 'Azure Managed Redis',
    port: 10_000,
    privateZone: `privatelink.${managedSuffix}`,
    accessCommand: (objectId) =>
      'az redisenterprise database access-policy-assignment create --resource-group <group> ' +
      `--cluster-name ${resource} --database-name default --access-policy-assignment-name <name> ` +
      `--access-policy-name default --object-id ${objectId}`,
  };
}

/** For a port that is not the one of the service. */
export function portAdvice({ host, port }: { host: string; port: number }): readonly string[] {
  const service = azureServiceOf(host);
  if (service === undefined || service.port === port) return [];
  return [
    `${service.name} listens for TLS on ${service.port}: set the port to it, or leave it out.`,
  ];
}
