import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { asEnvironmentFile, asShell } from '../../../../lib/cli/local/quoting.js';

const AWKWARD = {
  PLAIN: '/tmp/a.pem',
  SPACES: 'two words',
  QUOTE: "it's",
  DOLLAR: '$HOME `id` \\n',
  HASH: 'a # b',
  URL: 'http://127.0.0.1:1/?a=b&c=d',
};

const PRINT = 'JSON.stringify(process.env)';

function run(file: string, args: readonly string[]): Record<string, string> {
  return JSON.parse(execFileSync(file, args, { env: {}, encoding: 'utf8' })) as Record<
    string,
    string
  >;
}

it('a shell reads what was meant', () => {
  const script = [...asShell(AWKWARD), `exec ${process.execPath} -p '${PRINT}'`].join('\n');
  expect(run('/bin/sh', ['-c', script])).toMatchObject(AWKWARD);
});

it('node --env-file reads what was meant', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quoting-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, '.env');
  writeFileSync(file, asEnvironmentFile(AWKWARD).join('\n'));
  expect(run(process.execPath, [`--env-file=${file}`, '-p', PRINT])).toMatchObject(AWKWARD);
});
