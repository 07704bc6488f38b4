import type { FlagValues } from '../read-flags.js';

/** The options of `doctor`, for `parseArgs()`. */
export const DOCTOR_FLAGS = {
  host: { type: 'string' },
  port: { type: 'string' },
  topology: { type: 'string' },
  db: { type: 'string' },
  namespace: { type: 'string' },
  'no-tls': { type: 'boolean' },
  'ca-file': { type: 'string' },
  'server-name': { type: 'string' },
  username: { type: 'string' },
  scope: { type: 'string' },
  'credential-kind': { type: 'string' },
  'client-id': { type: 'string' },
  'tenant-id': { type: 'string' },
  'certificate-path': { type: 'string' },
  'federated-token-file': { type: 'string' },
  'object-id': { type: 'string' },
  'resource-id': { type: 'string' },
  'authority-host': { type: 'string' },
  litellm: { type: 'string' },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export type DoctorFlags = FlagValues<typeof DOCTOR_FLAGS>;

/** Everybody can read the arguments of a process, and shells remember them. */
const NO_SECRET = 'No secret is a flag:';

export const DOCTOR_FLAG_ADVICE = {
  'client-secret': `${NO_SECRET} set AZURE_CLIENT_SECRET.`,
  secret: `${NO_SECRET} set AZURE_CLIENT_SECRET.`,
  password: `${NO_SECRET} leave it out, the Entra token is the password.`,
  token: `${NO_SECRET} leave it out, the credential gets the token.`,
  'access-key': `${NO_SECRET} leave it out, the Entra token is the password.`,
};

export const DOCTOR_HELP = `Usage: npx nestjs-azure-redis doctor [flags]

Checks the way to Azure Redis as an application takes it, and says what to do.
Options come from the environment (REDIS_*, AZURE_*) or from a LiteLLM config.yaml;
flags win over both, and an empty one takes a value back. Secrets are read from the environment only, never from flags.

Redis
  --host NAME             DNS name of the cache                       REDIS_HOST
  --port NUMBER           default 10000, or 6380 by the name          REDIS_PORT
  --topology WORD         standalone (default) or cluster: OSS policy
  --db NUMBER             default 0
  --namespace TEXT        prefix of the keys; default cache
  --no-tls                tokens travel in clear text                 REDIS_SSL=false
  --ca-file PATH          PEM of a private certificate authority
  --server-name NAME      DNS name in the certificate; default --host
  --username TEXT         object id; default: the token names it      REDIS_USERNAME

Identity
  --credential-kind WORD  default, managed-identity, client-secret, client-certificate,
                          workload-identity or azure-cli; without it the ids decide
  --client-id ID                                                      AZURE_CLIENT_ID
  --tenant-id ID                                                      AZURE_TENANT_ID
  --certificate-path PATH                            AZURE_CLIENT_CERTIFICATE_PATH
  --federated-token-file PATH                        AZURE_FEDERATED_TOKEN_FILE
  --object-id ID          of a managed identity
  --resource-id ID        of a managed identity
  --authority-host URL    Entra of a sovereign cloud                  AZURE_AUTHORITY_HOST
  --scope TEXT            default https://redis.azure.com/.default
  the secret of an application: only as                               AZURE_CLIENT_SECRET

Run
  --litellm PATH          read a LiteLLM config.yaml instead of the environment
  --timeout TIME          longest wait of a step, e.g. 5s; default 10s
  --json                  one object for machines:
                          { ok, steps: [{ step, state, ms, fact, advice: [], facts: {} }] }
                          state is passed, failed or skipped; facts has what was found
  --help

Exit code: 0 if all holds, 1 if a step failed, 2 if the command line is wrong.
The only key that is written is <namespace>:doctor:<random>; it is deleted.
`;
