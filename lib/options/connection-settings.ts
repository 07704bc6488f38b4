import { CREDENTIAL_SECRETS } from './credential-options.js';
import { withHiddenSecrets } from './frozen-copy.js';
import { booleanSetting, checkEntraSwitch, wholeNumber } from './litellm-values.js';
import type { OptionProblems } from './option-problems.js';

const CREDENTIAL_SETTINGS = [
  'clientId',
  'tenantId',
  'clientSecret',
  'certificatePath',
  'federatedTokenFile',
  'authorityHost',
] as const;

/** Paths of the options that an environment can set; `entra` is LiteLLM's switch. */
export type ConnectionSetting =
  | 'host'
  | 'port'
  | 'tls'
  | 'username'
  | 'entra'
  | `credential.${(typeof CREDENTIAL_SETTINGS)[number]}`;

/** Options, still unchecked, from settings that may be text; absent ones are left out. */
export function connectionFrom(
  read: (setting: ConnectionSetting) => unknown,
  problems: OptionProblems,
): Record<string, unknown> {
  checkEntraSwitch(read('entra'), 'entra', problems);
  const credential = present(
    CREDENTIAL_SETTINGS.map((name) => [name, read(`credential.${name}`)] as const),
  );
  return present([
    ['host', read('host')],
    ['port', wholeNumber(read('port'))],
    ['tls', booleanSetting(read('tls'), 'tls', problems)],
    ['username', read('username')],
    [
      'credential',
      Object.keys(credential).length === 0
        ? undefined
        : withHiddenSecrets(credential, CREDENTIAL_SECRETS),
    ],
  ]);
}

/** An object of those entries that have a value. */
export function present(
  entries: readonly (readonly [name: string, value: unknown])[],
): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
