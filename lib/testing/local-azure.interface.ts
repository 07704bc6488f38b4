import type {
  AuthorityValidationOptions,
  TokenCredential,
  TokenCredentialOptions,
} from '@azure/identity';
import type { LocalEntra } from './entra/local-entra.interface.js';
import type { LocalRedisFront } from './front-door/local-redis-front.interface.js';

/** @publicApi */
export interface StartLocalAzureOptions {
  /** `cluster` has 3 masters, each behind a front door of its own. @default 'standalone' */
  topology?: 'standalone' | 'cluster';
  /** How many replicas each master of a cluster has; starting them takes 1 s. @default 0 */
  replicas?: number;
  /** Port of Redis; the nodes of a cluster take the next ones. @default free ones */
  port?: number;
  /**
   * `refused`: CLUSTER commands get an error, as from Azure Managed Redis with the Enterprise
   * policy. @default 'served'
   */
  clusterCommands?: 'served' | 'refused';
  /** Lifetime of new tokens in milliseconds; works down to 2000. @default 3600000 (1 h) */
  tokenLifetimeMs?: number;
  /**
   * How cluster nodes name each other to clients. The certificate has DNS names only, so `ip`
   * needs `tls.servername` and a pass-through `dnsLookup`, as on Azure. @default 'ip'
   */
  announce?: 'ip' | 'hostname';
  /** Without a real Redis use js-redis-server, when it is installed. @default false */
  allowJavaScriptRedis?: boolean;
}

/** Where Redis is; spread it into `AzureRedisModuleOptions`. @publicApi */
export interface LocalConnection {
  readonly host: string;
  readonly port: number;
  readonly topology: 'standalone' | 'cluster';
  readonly tls: { readonly ca: string; readonly servername: string };
}

/** Every identity that the local Entra knows, with its secrets. @publicApi */
export interface LocalIdentity {
  readonly tenantId: string;
  /** The application; it has a secret, a certificate and a federated credential. */
  readonly clientId: string;
  readonly clientSecret: string;
  readonly objectId: string;
  /** Certificate and private key; made on first use. */
  readonly certificatePem: string;
  /** File with `certificatePem`, for `AZURE_CLIENT_CERTIFICATE_PATH`; made on first use. */
  readonly certificatePath: string;
  /** File with an assertion, for `AZURE_FEDERATED_TOKEN_FILE`. */
  readonly federatedTokenFile: string;
  readonly systemAssignedObjectId: string;
  readonly userAssignedClientId: string;
  readonly userAssignedObjectId: string;
  readonly userAssignedResourceId: string;
  /** An application that gets tokens and has no access policy: Redis answers WRONGPASS. */
  readonly withoutAccess: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly objectId: string;
  };
}

/** What makes a credential of @azure/identity talk to the local Entra. @publicApi */
export interface LocalCredentialOptions extends TokenCredentialOptions, AuthorityValidationOptions {
  authorityHost: string;
  disableInstanceDiscovery: true;
  tlsOptions: { ca: string };
  retryOptions: { maxRetries: number };
}

/**
 * Entra, managed identities and Azure Redis on this machine's loopback interface.
 *
 * @publicApi
 */
export interface LocalAzure extends AsyncDisposable {
  readonly connection: LocalConnection;
  /** A `ClientSecretCredential` of the application, which does not retry. */
  readonly credential: TokenCredential;
  readonly identity: LocalIdentity;
  /** Spread it into the options of any @azure/identity constructor. */
  readonly credentialSdkOptions: LocalCredentialOptions;
  /**
   * For a child process with no options in its code: the application's `AZURE_*`, `REDIS_*`, the
   * root certificate and the proxy through which it reaches the local Entra by its real name.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that offer a managed identity, as in a virtual machine or in App Service. */
  managedIdentityEnvironment(source: 'imds' | 'app-service'): Record<string, string>;
  /** Which Redis is behind the front door, in one line. */
  readonly redisDescription: string;
  readonly entra: LocalEntra;
  readonly redis: LocalRedisFront;
  /** Ends all of it; may be called again. */
  stop(): Promise<void>;
}
