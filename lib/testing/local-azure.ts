import { createCertificateAuthority } from './certificates.js';
import { Directory } from './entra/directory.js';
import { AUTHORITY_HOSTS, EntraEmulator } from './entra/entra-emulator.js';
import { createSigningKey } from './entra/signing-key.js';
import { TokenIssuer } from './entra/token-issuer.js';
import { RedisFront } from './front-door/redis-front.js';
import type { LocalAzure, StartLocalAzureOptions } from './local-azure.interface.js';
import { localEnvironment, managedIdentityEnvironment } from './local-environment.js';
import { createLocalIdentity } from './local-identity.js';
import { chooseRedis } from './redis-server/choose-redis.js';
import type { RedisBackend } from './redis-server/redis-backend.js';
import { Workspace } from './workspace.js';

const HOST = 'localhost';
const REDIS_NAMES = [HOST, 'local.redis.azure.net', '*.local.redis.azure.net'];
const CLUSTER_MASTERS = 3;
const HOUR_MS = 3_600_000;

/**
 * Starts an Entra ID tenant, managed identity endpoints and an Azure Redis on the loopback
 * interface: real protocols, a real redis-server, real token expiry, and faults on demand.
 *
 * @throws {LocalAzureError} `REDIS_NOT_FOUND` with the command that installs Redis
 * @publicApi
 */
export async function startLocalAzure(options: StartLocalAzureOptions = {}): Promise<LocalAzure> {
  const opened: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    const problems: unknown[] = [];
    for (let close = opened.pop(); close; close = opened.pop()) {
      await close().catch((problem: unknown) => problems.push(problem));
    }
    if (problems.length > 0) throw new AggregateError(problems, 'The local Azure did not stop');
  };
  try {
    return await start(options, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function start(
  options: StartLocalAzureOptions,
  opened: (() => Promise<void>)[],
  closeAll: () => Promise<void>,
): Promise<LocalAzure> {
  const { topology = 'standalone', tokenLifetimeMs = HOUR_MS } = options;
  const replicas = topology === 'cluster' ? (options.replicas ?? 0) : 0;
  const directory = new Directory();
  const root = createCertificateAuthority();
  const [key, { ClientSecretCredential }] = await Promise.all([
    createSigningKey(),
    import('@azure/identity'),
  ]);

  const workspace = await Workspace.create();
  opened.push(() => workspace.remove());
  const issuer = new TokenIssuer(directory, key, tokenLifetimeMs);
  const entra = new EntraEmulator(directory, key, issuer, root.issue(AUTHORITY_HOSTS));
  const redis = new RedisFront({
    nodes: topology === 'cluster' ? CLUSTER_MASTERS * (1 + replicas) : 1,
    port: options.port,
    hasReplicas: replicas > 0,
    refusesClusterCommands: options.clusterCommands === 'refused',
    certificate: root.issue(REDIS_NAMES),
    issuer,
    objectId: directory.application.objectId,
  });
  opened.push(
    () => entra.stop(),
    () => redis.close(),
  );
  await Promise.all([entra.start(), redis.open()]);

  const server = await startRedis(redis, directory, workspace, options);
  const identity = await createLocalIdentity(directory, key, workspace);
  const credentialSdkOptions = {
    authorityHost: entra.url,
    disableInstanceDiscovery: true as const,
    tlsOptions: { ca: root.certificate },
    retryOptions: { maxRetries: 0 },
  };
  const connection = {
    host: HOST,
    port: redis.ports[0] ?? 0,
    topology,
    tls: { ca: root.certificate, servername: HOST },
  };
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= closeAll());

  return {
    connection,
    credential: new ClientSecretCredential(
      identity.tenantId,
      identity.clientId,
      identity.clientSecret,
      credentialSdkOptions,
    ),
    identity,
    credentialSdkOptions,
    environment: localEnvironment(
      identity,
      connection,
      await workspace.write('root-ca.pem', root.certificate),
      entra.managedIdentityUrl,
    ),
    managedIdentityEnvironment: (source) =>
      managedIdentityEnvironment(source, entra, directory.identityHeader),
    redisDescription: server.description,
    entra,
    redis,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function startRedis(
  front: RedisFront,
  { principals }: Directory,
  workspace: Workspace,
  {
    topology = 'standalone',
    replicas = 0,
    announce = 'ip',
    allowJavaScriptRedis = false,
  }: StartLocalAzureOptions,
): Promise<RedisBackend> {
  const backend = await chooseRedis({
    topology,
    replicas,
    announce,
    allowJavaScriptRedis,
    principals,
    workspace: workspace.folder,
    announcedPorts: () => front.ports,
    onLoss: (log) => {
      front.lostServer();
      process.emitWarning(`The local redis-server ended by itself. Its last words:\n${log}`, {
        code: 'LOCAL_REDIS_LOST',
      });
    },
  });
  await front.startServer(backend);
  return backend;
}
