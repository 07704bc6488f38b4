export type {
  EntraFailure,
  IssuedToken,
  LocalEntra,
  LocalGrant,
  LocalTokenClaims,
} from './entra/local-entra.interface.js';
export type { LocalRedisCluster } from './front-door/local-redis-cluster.interface.js';
export type { LocalRedisFront } from './front-door/local-redis-front.interface.js';
export type {
  LocalAzure,
  LocalConnection,
  LocalCredentialOptions,
  LocalIdentity,
  StartLocalAzureOptions,
} from './local-azure.interface.js';
export { LocalAzureError, type LocalAzureErrorCode } from './local-azure.errors.js';
export { startLocalAzure } from './local-azure.js';
