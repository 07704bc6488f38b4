import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { STEPS } from '../../../lib/cli/doctor/step.js';
import { useLocalAzure } from '../../contract/testing/local-azure.js';
import { temporaryFolder } from '../../contract/testing/temporary-folder.js';
import { eventually } from '../../fixtures/eventually.js';
import { type Ended, useBuiltCli, type Variables } from './built-cli.js';

const cli = useBuiltCli();

const standalone = useLocalAzure();
const cluster = useLocalAzure({ topology: 'cluster' });

/** The environment without what names the application. */
function withoutIdentity(azure: LocalAzure, ...kept: string[]): Variables {
  return Object.fromEntries(
    Object.entries(azure.environment).filter(
      ([name]) => !name.startsWith('AZURE_') || kept.includes(name),
    ),
  );
}

function expectAllHolds({ stdout, stderr, exitCode }: Ended, kind: string): void {
  const marks = stdout.split('\n').filter((line) => /^[✓✗–]/.test(line));
  expect(marks.map((line) => line.slice(0, 2 + 15).trimEnd())).toEqual(
    STEPS.map((step) => `✓ ${step}`),
  );
  expect(stdout).toMatch(new RegExp(`✓ credential +\\d+ ms  ${kind}, because`));
  expect(stdout).toMatch(/\nAll holds\.\n$/);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
}

interface Sound {
  readonly name: string;
  readonly kind: string;
  readonly azure: () => LocalAzure;
  readonly flags?: (azure: LocalAzure) => readonly string[];
  readonly env?: (azure: LocalAzure) => Variables;
}

const SOUND: readonly Sound[] = [
  { name: 'a service principal with a secret', kind: 'client-secret', azure: standalone },
  {
    name: 'a cluster',
    kind: 'client-secret',
    azure: cluster,
    flags: () => ['--topology', 'cluster'],
  },
  {
    name: 'a service principal with a certificate',
    kind: 'client-certificate',
    azure: standalone,
    flags: ({ identity }) => ['--certificate-path', identity.certificatePath],
  },
  {
    name: 'workload identity',
    kind: 'workload-identity',
    azure: standalone,
    flags: ({ identity }) => ['--federated-token-file', identity.federatedTokenFile],
  },
  {
    name: 'a system-assigned managed identity of a virtual machine',
    kind: 'managed-identity',
    azure: standalone,
    flags: () => ['--credential-kind', 'managed-identity', '--client-id', ''],
  },
  {
    name: 'a user-assigned managed identity, on a cluster',
    kind: 'managed-identity',
    azure: cluster,
    flags: ({ identity }) => ['--topology=cluster', `--client-id=${identity.userAssignedClientId}`],
    env: (azure) => withoutIdentity(azure),
  },
  {
    name: 'a managed identity of App Service',
    kind: 'managed-identity',
    azure: standalone,
    flags: () => ['--credential-kind', 'managed-identity'],
    env: (azure) => ({
      ...withoutIdentity(azure),
      ...azure.managedIdentityEnvironment('app-service'),
    }),
  },
  {
    name: 'nothing but the defaults',
    kind: 'default',
    azure: standalone,
    env: (azure) => withoutIdentity(azure),
  },
];

describe('doctor, as a process of its own', { timeout: 30_000 }, () => {
  it.each(SOUND)('finds that all holds with $name', async ({ kind, azure, flags, env }) => {
    const args = ['doctor', ...(flags?.(azure()) ?? [])];
    const ended = await cli.run(args, env?.(azure()) ?? azure().environment);
    expectAllHolds(ended, kind);
    expect(ended.stdout).not.toContain(azure().identity.clientSecret);
    expect(ended.stdout).not.toContain('eyJ');
  });

  it('reads a LiteLLM config.yaml, and names keys without effect', async () => {
    const file = join(await temporaryFolder(), 'config.yaml');
    await writeFile(
      file,
      [
        'litellm_settings:',
        '  cache: true',
        '  cache_params:',
        '    type: redis',
        '    host: os.environ/REDIS_HOST',
        '    port: os.environ/REDIS_PORT',
        '    azure_redis_ad_token: "true"',
        '    namespace: litellm.caching',
        '    similarity_threshold: 0.8',
      ].join('\n'),
    );
    const ended = await cli.run(['doctor', '--litellm', file], standalone().environment);
    expectAllHolds(ended, 'client-secret');
    expect(ended.stdout).toMatch(/ {2}! These keys have no effect here: .*similarity_threshold/);
    expect(ended.stdout).toMatch(/may SET, GET, EVAL, UNLINK in litellm\.caching:\*/);
  });

  it('says it to machines as one object and nothing else', async () => {
    const { stdout, stderr, exitCode } = await cli.run(
      ['doctor', '--json'],
      standalone().environment,
    );
    const report = JSON.parse(stdout) as { ok: boolean; steps: { step: string; ms: number }[] };
    expect(report.ok).toBe(true);
    expect(report.steps.map(({ step }) => step)).toEqual(STEPS);
    expect(report.steps[5]).toEqual({
      step: 'token',
      state: 'passed',
      ms: expect.any(Number),
      fact: expect.stringContaining(standalone().identity.objectId),
      advice: [],
      facts: {
        objectId: standalone().identity.objectId,
        clientId: standalone().identity.clientId,
        tenantId: standalone().identity.tenantId,
        audience: 'https://redis.azure.com',
        username: standalone().identity.objectId,
        expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        clockSkewMs: 0,
      },
    });
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  });

  it('ends with 1 when a step failed, and skips what needs it', async () => {
    standalone().redis.refuse();
    const { stdout, exitCode } = await cli.run(['doctor'], standalone().environment);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ TCP .*\n {2}→ /);
    expect(stdout).toMatch(/– TLS +needs TCP\n/);
    expect(stdout).toMatch(/✓ token /);
    expect(stdout).toMatch(/\nFailed: TCP\.\n$/);
  });

  it('lets flags win over the environment', async () => {
    const wrong = { ...standalone().environment, REDIS_PORT: 'not a port', REDIS_HOST: 'a b' };
    const { host, port } = standalone().connection;
    const ended = await cli.run(['doctor', `--host=${host}`, `--port=${port}`], wrong);
    expectAllHolds(ended, 'client-secret');
  });

  it('deletes the one key that it writes', async () => {
    const { stdout } = await cli.run(
      ['doctor', '--namespace', 'spotless', '--json'],
      standalone().environment,
    );
    expect(stdout).toContain('"namespace":"spotless"');
    const { host, port, tls } = standalone().connection;
    const { objectId: username } = standalone().identity;
    const redis = new Redis({ host, port, tls, username, password: standalone().entra.issue() });
    onTestFinished(() => redis.disconnect());
    expect(await redis.keys('*')).toEqual([]);
  });

  it('has advice for a host without managed identity', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    server.close();
    const port = typeof address === 'object' ? address?.port : 0;
    const { stdout, exitCode } = await cli.run(
      ['doctor', '--credential-kind=managed-identity', '--timeout=1s'],
      {
        ...withoutIdentity(standalone()),
        AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://127.0.0.1:${port}`,
      },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ token [^]*→ This host offers no managed identity: turn one on/);
  });

  it('ends although Entra never answers', async () => {
    standalone().entra.hang();
    const { stdout, exitCode } = await cli.run(
      ['doctor', '--timeout', '300ms'],
      standalone().environment,
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ token +\d+ ms  TOKEN_TIMEOUT/);
  });

  it('ends with Ctrl-C', async () => {
    standalone().redis.stall();
    const running = cli.start(['doctor'], standalone().environment);
    await running.untilWritten('✓ token');
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ signal: 'SIGINT', stderr: '' });
    await eventually('its connection is gone', () => standalone().redis.connections === 0);
  });

  it('has colours where they are asked for, and nowhere else', async () => {
    const { environment } = standalone();
    const plain = await cli.run(['doctor'], environment);
    const coloured = await cli.run(['doctor'], { ...environment, FORCE_COLOR: '1' });
    expect(plain.stdout).not.toContain('\u001B');
    expect(coloured.stdout).toContain('\u001B[32m✓\u001B[0m configuration');
  });
});
