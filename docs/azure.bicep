// Azure Managed Redis for nestjs-azure-redis: Entra ID only, one identity with access.
//
//   az deployment group create -g my-group -f azure.bicep -p name=my-cache principalId=<object id>
//
// API version 2025-07-01, the newest that is not a preview, was checked by reading its reference.

@description('Name of the cache, the first label of its host name.')
param name string

@description('Object id (not client id) of the managed identity or service principal.')
param principalId string

param location string = resourceGroup().location

@description('Size: memory and price.')
param sku string = 'Balanced_B0'

@description('OSSCluster: topology "cluster". EnterpriseCluster, NoCluster: topology "standalone".')
@allowed(['EnterpriseCluster', 'NoCluster', 'OSSCluster'])
param clusteringPolicy string = 'EnterpriseCluster'

@description('VolatileLRU for a cache; NoEviction for BullMQ.')
@allowed(['VolatileLRU', 'VolatileTTL', 'NoEviction'])
param evictionPolicy string = 'VolatileLRU'

@description('Disabled: reached by a private endpoint only.')
@allowed(['Disabled', 'Enabled'])
param publicNetworkAccess string = 'Enabled'

resource cache 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  sku: {
    name: sku
  }
  properties: {
    highAvailability: 'Enabled'
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cache
  name: 'default'
  properties: {
    accessKeysAuthentication: 'Disabled'
    clientProtocol: 'Encrypted'
    clusteringPolicy: clusteringPolicy
    evictionPolicy: evictionPolicy
    port: 10000
  }
}

resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'application'
  properties: {
    accessPolicyName: 'default'
    user: {
      objectId: principalId
    }
  }
}

@description('The option host, or REDIS_HOST.')
output host string = cache.properties.hostName

@description('The option topology.')
output topology string = clusteringPolicy == 'OSSCluster' ? 'cluster' : 'standalone'
