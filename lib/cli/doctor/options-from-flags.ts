import { readFileSync } from 'node:fs';
import type { AzureRedisModuleOptions } from '../../options/azure-redis-options.interface.js';
import { checkOptions } from '../../options/check-options.js';
import {
  connectionFrom,
  type ConnectionSetting,
  present,
} from '../../options/connection-settings.js';
import { type Environment, VARIABLES } from '../../options/from-environment.js';
import { azureRedisOptionsFromLiteLlm } from '../../options/from-litellm.js';
import { trimmed, wholeNumber } from '../../options/litellm-values.js';
import { OptionProblems } from '../../options/option-problems.js';
import { isOptionObject } from '../../options/option-reader.js';
import { idsToKeep } from './credential-flags.js';
import type { DoctorFlags } from './doctor-flags.js';

/** Flags that have a variable too; the flag wins. */
const CONNECTION_FLAGS: Readonly<Partial<Record<ConnectionSetting, keyof DoctorFlags>>> = {
  host: 'host',
  port: 'port',
  username: 'username',
  'credential.clientId': 'client-id',
  'credential.tenantId': 'tenant-id',
  'credential.certificatePath': 'certificate-path',
  'credential.federatedTokenFile': 'federated-token-file',
  'credential.authorityHost': 'authority-host',
};

/** Flags that only code could set so far. */
const OTHER_FLAGS: Readonly<Record<string, keyof DoctorFlags>> = {
  topology: 'topology',
  db: 'db',
  scope: 'scope',
  'cache.namespace': 'namespace',
  'tls.ca': 'ca-file',
  'tls.servername': 'server-name',
  'credential.kind': 'credential-kind',
  'credential.objectId': 'object-id',
  'credential.resourceId': 'resource-id',
};

type Unchecked = Readonly<Record<string, unknown>>;

export interface OptionSources {
  readonly flags: DoctorFlags;
  readonly env: Environment;
  /** Limit of each step. */
  readonly timeoutMs: number | undefined;
  /** Keys of a LiteLLM configuration that have no effect. */
  readonly onUnsupported: (keys: readonly string[]) => void;
}

/**
 * The options that an application would have with this environment, or LiteLLM configuration, and
 * these flags. Mistakes are named as the user wrote them: `--port`, `REDIS_PORT` or the YAML key.
 *
 * @throws {AzureRedisOptionsError}
 */
export function readOptions(sources: OptionSources): AzureRedisModuleOptions {
  const { flags, timeoutMs } = sources;
  const problems = new OptionProblems(namesOf(flags));
  const base = flags.litellm === undefined ? fromEnvironment(sources, problems) : fromFile(sources);
  const cache = isOptionObject(base['cache']) ? base['cache'] : {};
  const limits = timeoutMs === undefined ? [] : ['tokenMs', 'connectMs', 'handshakeMs', 'reauthMs'];
  const options: Unchecked = {
    ...base,
    ...present([
      ['topology', flags.topology],
      ['db', wholeNumber(flags.db)],
      ['scope', flags.scope],
      ['tls', tlsFrom(flags, problems)],
    ]),
    ...(flags.namespace !== undefined && { cache: { ...cache, namespace: flags.namespace } }),
    credential: credentialFrom(base['credential'], flags),
    deadlines: Object.fromEntries(limits.map((name) => [name, timeoutMs])),
  };
  if (options['host'] === undefined) {
    const advice = 'pass --host my-cache.westeurope.redis.azure.net, or set REDIS_HOST';
    problems.add('host', 'the DNS name of the cache', 'nothing', advice);
  }
  if (!checkOptions(options, problems)) throw problems.toError();
  return options;
}

/** As `azureRedisOptionsFromEnv()` does it, with the flags before the variables. */
function fromEnvironment({ flags, env }: OptionSources, problems: OptionProblems): Unchecked {
  return connectionFrom((setting) => {
    if (setting === 'tls' && isTlsByFlag(flags)) return undefined;
    return trimmed(flagOf(setting, flags) ?? env[VARIABLES[setting]]);
  }, problems);
}

function fromFile({ flags, env, onUnsupported }: OptionSources): Unchecked {
  const { litellm: path = '' } = flags;
  const fromYaml = azureRedisOptionsFromLiteLlm(path, { env, onUnsupported });
  const fromFlags = connectionFrom(
    (setting) => trimmed(flagOf(setting, flags)),
    new OptionProblems(),
  );
  const ids = isOptionObject(fromFlags['credential']) ? fromFlags['credential'] : {};
  const kept = Object.entries(fromYaml.credential ?? {}).filter(
    ([name]) => !isGiven(`credential.${name}`, flags),
  );
  return { ...fromYaml, ...fromFlags, credential: { ...Object.fromEntries(kept), ...ids } };
}

function flagOf(setting: ConnectionSetting, flags: DoctorFlags): unknown {
  const flag = CONNECTION_FLAGS[setting];
  return flag === undefined ? undefined : flags[flag];
}

const isGiven = (path: string, flags: DoctorFlags): boolean =>
  Object.entries(CONNECTION_FLAGS).some(
    ([each, flag]) => each === path && flags[flag] !== undefined,
  );

function namesOf(flags: DoctorFlags): Record<string, string> {
  const all = Object.entries({ ...CONNECTION_FLAGS, ...OTHER_FLAGS });
  const given = all.filter(([, flag]) => flags[flag] !== undefined);
  return {
    ...(flags.litellm === undefined && { ...VARIABLES, host: '--host' }),
    ...Object.fromEntries(given.map(([path, flag]) => [path, `--${flag}`])),
  };
}

const isTlsByFlag = (flags: DoctorFlags): boolean =>
  [flags['no-tls'], flags['ca-file'], flags['server-name']].some((flag) => flag !== undefined);

function tlsFrom(flags: DoctorFlags, problems: OptionProblems): unknown {
  if (!isTlsByFlag(flags)) return undefined;
  if (flags['no-tls'] === true) return false;
  const path = flags['ca-file'];
  return present([
    ['ca', path === undefined ? undefined : readCertificates(path, problems)],
    ['servername', flags['server-name']],
  ]);
}

function readCertificates(path: string, problems: OptionProblems): string | undefined {
  const expected = 'a file with PEM certificates';
  const advice = 'pass the certificate of the authority that signed the certificate of the server';
  try {
    const text = readFileSync(path, 'utf8');
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
    problems.add('tls.ca', expected, 'another one', advice);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'an error';
    problems.add('tls.ca', expected, code, advice);
  }
  return undefined;
}

/** An identity that flags name is not the one that the environment would have completed. */
function credentialFrom(base: unknown, flags: DoctorFlags): Unchecked {
  const ids = Object.entries(isOptionObject(base) ? base : {});
  const kept = idsToKeep(flags);
  return {
    ...Object.fromEntries(ids.filter(([name]) => kept?.includes(name) ?? true)),
    ...present([
      ['kind', flags['credential-kind']],
      ['objectId', flags['object-id']],
      ['resourceId', flags['resource-id']],
    ]),
  };
}
