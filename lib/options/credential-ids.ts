import type {
  AzureCredentialKind,
  AzureCredentialOptions,
} from './azure-redis-options.interface.js';
import { listed } from './describe-value.js';
import type { OptionReader } from './option-reader.js';

export type CredentialId = Exclude<keyof AzureCredentialOptions, 'kind' | 'sdk' | 'authorityHost'>;

/** `authorityHost` and `sdk` belong to every kind. */
interface IdsOfKind {
  /** One of each group must be there. */
  readonly needs: readonly (readonly CredentialId[])[];
  /** May be there as well. */
  readonly allows: readonly CredentialId[];
}

const APPLICATION = [['clientId'], ['tenantId']] as const;
const CERTIFICATES = ['certificatePath', 'certificate'] as const;
const MANAGED_IDENTITIES = ['clientId', 'resourceId', 'objectId'] as const;

const IDS: Readonly<Record<AzureCredentialKind, IdsOfKind>> = {
  default: { needs: [], allows: ['clientId', 'tenantId'] },
  'managed-identity': { needs: [], allows: [...MANAGED_IDENTITIES, 'tenantId'] },
  'client-secret': { needs: [...APPLICATION, ['clientSecret']], allows: [] },
  'client-certificate': { needs: [...APPLICATION, CERTIFICATES], allows: [] },
  // @azure/identity reads what is missing from the variables that AKS injects.
  'workload-identity': { needs: [], allows: ['clientId', 'tenantId', 'federatedTokenFile'] },
  'azure-cli': { needs: [], allows: ['tenantId'] },
};

/** Adds a problem for ids that are missing, contradict the kind or exclude each other. */
export function checkCredentialIds(
  credential: OptionReader,
  kind: AzureCredentialKind | undefined,
): void {
  if (kind === undefined) checkMeaning(credential);
  else checkKind(credential, kind);
  checkOneOf(credential, CERTIFICATES, 'one certificate');
  checkOneOf(credential, MANAGED_IDENTITIES, 'one id of a managed identity');
}

function checkKind(credential: OptionReader, kind: AzureCredentialKind): void {
  const { needs, allows } = IDS[kind];
  for (const group of needs.filter((names) => !hasAny(credential, names))) {
    missing(credential, group, `kind '${kind}'`);
  }
  const known: readonly CredentialId[] = [...needs.flat(), ...allows];
  const all = new Set(Object.values(IDS).flatMap((ids) => [...ids.needs.flat(), ...ids.allows]));
  for (const name of all) {
    if (known.includes(name) || !credential.has(name)) continue;
    credential.problem(
      name,
      `no such id with kind '${kind}'`,
      'one',
      `remove it, or remove ${credential.nameOf('kind')} and let the ids decide`,
    );
  }
}

/** Without a kind: what was begun must be complete, or it would silently mean another identity. */
function checkMeaning(credential: OptionReader): void {
  for (const name of ['clientSecret', ...CERTIFICATES, 'federatedTokenFile'] as const) {
    if (!credential.has(name)) continue;
    for (const group of APPLICATION) {
      if (!hasAny(credential, group)) missing(credential, group, credential.nameOf(name));
    }
    for (const identity of ['resourceId', 'objectId'] as const) {
      if (!credential.has(identity)) continue;
      credential.problem(
        identity,
        `no managed identity beside ${credential.nameOf(name)}`,
        'one',
        'remove one of the two',
      );
    }
  }
}

function checkOneOf(
  credential: OptionReader,
  names: readonly CredentialId[],
  expected: string,
): void {
  const given = names.filter((name) => credential.has(name));
  const [first, second] = given;
  if (first === undefined || second === undefined) return;
  credential.problem(
    first,
    expected,
    listed(
      given.map((name) => credential.nameOf(name)),
      'and',
    ),
    'keep one of them',
  );
}

function missing(credential: OptionReader, group: readonly CredentialId[], needer: string): void {
  const [first, ...others] = group;
  if (first === undefined) return;
  credential.problem(
    first,
    `a value, because ${needer} needs it`,
    'nothing',
    `set ${listed([first, ...others].map((name) => credential.nameOf(name)))}`,
  );
}

const hasAny = (credential: OptionReader, names: readonly CredentialId[]): boolean =>
  names.some((name) => credential.has(name));
