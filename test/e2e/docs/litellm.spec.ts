import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startLocalAzure, type LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocksOf } from '../../fixtures/docs/code-blocks.js';
import { runScript } from '../../fixtures/run-script.js';

const application = new URL('connect.application.ts', import.meta.url);
const blocks = codeBlocksOf('docs/litellm.md');
const [yamlOfSystem, yamlOfUser, yamlOfPrincipal] = codeOf('yaml');
const [shOfSystem, shOfUser, shOfPrincipal] = codeOf('sh');

let azure: LocalAzure;
beforeAll(async () => {
  azure = await startLocalAzure();
});
afterAll(() => azure.stop());

interface Configuration {
  readonly identity: string;
  readonly yaml: string | undefined;
  readonly sh: string | undefined;
  /** Redis lets in nobody by the name of this user but whose token says so. */
  readonly objectId: () => string;
  /** What the reader writes for `<…>`. */
  readonly values: () => Readonly<Record<string, string>>;
}

const configurations: readonly Configuration[] = [
  {
    identity: 'system-assigned managed identity',
    yaml: yamlOfSystem,
    sh: shOfSystem,
    objectId: () => azure.identity.systemAssignedObjectId,
    values: () => ({}),
  },
  {
    identity: 'user-assigned managed identity',
    yaml: yamlOfUser,
    sh: shOfUser,
    objectId: () => azure.identity.userAssignedObjectId,
    values: () => ({ AZURE_CLIENT_ID: azure.identity.userAssignedClientId }),
  },
  {
    identity: 'service principal',
    yaml: yamlOfPrincipal,
    sh: shOfPrincipal,
    objectId: () => azure.identity.objectId,
    values: () => ({
      AZURE_CLIENT_ID: azure.identity.clientId,
      AZURE_TENANT_ID: azure.identity.tenantId,
      AZURE_CLIENT_SECRET: azure.identity.clientSecret,
    }),
  },
];

describe.each(configurations)('as a $identity', ({ yaml = '', sh = '', objectId, values }) => {
  it('config.yaml and the variables that it names connect', async () => {
    expect(await connect({ ...values(), LITELLM_CONFIG: await saved(yaml) })).toEqual({
      user: objectId(),
      value: 'hello',
    });
  });

  it('the environment connects', async () => {
    const { host, port } = azure.connection;
    const known = {
      ...values(),
      REDIS_HOST: host,
      REDIS_PORT: String(port),
      REDIS_USERNAME: objectId(),
    };
    expect(await connect(exported(sh, known))).toEqual({
      user: objectId(),
      value: 'hello',
    });
  });
});

function codeOf(language: string): string[] {
  return blocks.filter((block) => block.language === language).map(({ code }) => code);
}

/** The file of the page, but for the address: that is the reader's own. */
async function saved(yaml: string): Promise<string> {
  const { host, port } = azure.connection;
  expect(yaml.match(/^ +(host|port): .+$/gm)).toHaveLength(2);
  const text = yaml.replace(/( host: ).+/, `$1${host}`).replace(/( port: ).+/, `$1${port}`);
  const file = join(dirname(azure.environment['NODE_EXTRA_CA_CERTS'] ?? ''), 'config.yaml');
  await writeFile(file, text);
  return file;
}

/** What the lines export, with the reader's own values; each of these must be exported. */
function exported(
  sh: string,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const lines = [...sh.matchAll(/^export (\w+)="(.*)"$/gm)];
  const names = lines.map(([, name]) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(own)));
  return Object.fromEntries(lines.map(([, name = '', text = '']) => [name, own[name] ?? text]));
}

/** In a process that reaches the local Azure as if it were Azure, and has no identity but this. */
async function connect(variables: Readonly<Record<string, string>>): Promise<unknown> {
  const network = Object.entries(azure.environment).filter(
    ([name]) => !/^(AZURE|REDIS)_/.test(name),
  );
  const env = { ...Object.fromEntries(network), ...variables };
  const { exitCode, stdout, stderr } = await runScript(application, { env });
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  return JSON.parse(stdout);
}
