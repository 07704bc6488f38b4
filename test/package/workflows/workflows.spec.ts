import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { manifest, repository } from '../environment/packed-package.js';
import { Project } from '../environment/project.js';
import { packagesBroughtAlong } from '../supply-chain/installed-packages.js';
import { commandsOf, jobOf, readWorkflow, runStep } from './workflow.js';

const ci = readWorkflow('ci.yml');
const publish = readWorkflow('publish.yml');

describe.each([
  ['ci.yml', ci],
  ['publish.yml', publish],
])('the workflow %s', (_, workflow) => {
  it('names each action by commit, and tells its version', () => {
    const actions = workflow.text.match(/uses: .*/g) ?? [];
    const loose = actions.filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line));
    expect(actions.length).toBeGreaterThan(0);
    expect(loose).toEqual([]);
  });

  it('uses no secret', () => {
    expect(workflow.text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
  });
});

describe('a change', () => {
  it('is checked on every major version of Node that is supported', () => {
    const { strategy, steps } = jobOf(ci, 'test');
    expect(strategy?.matrix.node).toEqual(['20', '22', '24']);
    expect(manifest.engines.node).toBe('>=20.19.0');
    expect(steps.flatMap((step) => step.with?.['node-version'] ?? [])).toEqual([
      '${{ matrix.node }}',
    ]);
  });

  it('must pass .ci/run, and may write nothing', () => {
    expect(commandsOf(jobOf(ci, 'test'))).toContain('.ci/run');
    expect(ci.permissions).toEqual({ contents: 'read' });
  });
});

describe('a release', () => {
  const check = jobOf(publish, 'check');
  const upload = jobOf(publish, 'publish');

  it('is made by a version tag only', () => {
    expect(publish.on).toEqual({ push: { tags: ['v*'] } });
  });

  it('passes .ci/run before anything may be published', () => {
    expect(commandsOf(check)).toContain('.ci/run');
    expect(upload.needs).toBe('check');
  });

  it('is published with provenance, by the one job that may identify itself', () => {
    expect(commandsOf(upload)).toEqual(['npm publish release/*.tgz --provenance --access public']);
    expect(publish.permissions).toEqual({});
    expect(check.permissions).toEqual({ contents: 'read' });
    expect(upload.permissions).toEqual({ 'id-token': 'write' });
  });

  it('is the tarball that was checked, beside the list of what is in it', () => {
    const kept = check.steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
    const taken = upload.steps.find(({ uses }) => uses?.startsWith('actions/download-artifact@'));
    expect(kept?.with?.['path']?.split('\n')).toEqual(
      expect.arrayContaining(['release/*.tgz', 'sbom.cdx.json']),
    );
    expect(taken?.with?.['name']).toBe(kept?.with?.['name']);
  });

  it.each([
    { tag: 'v1.2.3', changelog: '## 1.2.3 (2026-11-26)' },
    { tag: 'v1.2.3', changelog: '## 1.2.3' },
    { tag: 'v1.2.4', changelog: '## 1.2.4', stopsWith: 'Expected the tag v1.2.3' },
    { tag: 'v1.2.3', changelog: '## 1.2.3 (unreleased)', stopsWith: 'Expected CHANGELOG.md' },
    { tag: 'v1.2.3', changelog: '## 1.2.30', stopsWith: 'Expected CHANGELOG.md' },
    { tag: 'v1.2.3', changelog: '## 1x2.3', stopsWith: 'Expected CHANGELOG.md' },
  ])('$tag of version 1.2.3 under "$changelog": stops with $stopsWith', (release) => {
    const { tag, changelog, stopsWith } = release;
    const checkout = newFolder();
    checkout.write('package.json', { version: '1.2.3' });
    checkout.write('CHANGELOG.md', `# Changelog\n\n${changelog}\n\n- All of it.\n`);
    const { status, output } = runStep(
      check,
      'The tag, package.json and CHANGELOG.md name the same version',
      { cwd: checkout.folder, env: { ...checkout.environment, GITHUB_REF_NAME: tag } },
    );
    expect(status).toBe(stopsWith === undefined ? 0 : 1);
    expect(output).toContain(stopsWith ?? '');
  });

  it('comes with an SBOM of all that is installed with it, and of nothing else', () => {
    const checkout = newFolder();
    for (const file of ['package.json', 'package-lock.json']) {
      copyFileSync(join(repository, file), join(checkout.folder, file));
    }
    const env = checkout.environment;
    const { status, output } = runStep(check, 'List what is inside (SBOM)', {
      cwd: checkout.folder,
      env,
    });
    expect(status === 0 ? '' : output).toBe('');
    const sbom = JSON.parse(checkout.read('sbom.cdx.json')) as Sbom;
    expect(sbom.metadata.component.purl).toBe(`pkg:npm/${manifest.name}@${manifest.version}`);
    const listed = sbom.components.map(({ 'bom-ref': reference }) => reference);
    expect(listed.toSorted()).toEqual(
      [...packagesBroughtAlong({ peers: false }).keys()].toSorted(),
    );
  });
});

interface Sbom {
  metadata: { component: { purl: string } };
  components: { 'bom-ref': string }[];
}

function newFolder(): Project {
  const folder = new Project();
  onTestFinished(() => folder.remove());
  return folder;
}
