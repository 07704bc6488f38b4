import { describe, expect, it } from 'vitest';
import { packagesBroughtAlong } from './installed-packages.js';

/** They ask for no more than their own text to be kept. */
const ALLOWED_LICENCES = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
]);

describe('what a user installs with this package, peers included', () => {
  const brought = [...packagesBroughtAlong({ peers: true })];

  it('is found', () => {
    const names = brought.map(([name]) => name.replace(/@[^@]+$/, ''));
    expect(names).toEqual(expect.arrayContaining(['ioredis', '@azure/msal-node', 'rxjs']));
  });

  it('has licences from the list only', () => {
    const others = brought
      .filter(([, { license }]) => !ALLOWED_LICENCES.has(license ?? ''))
      .map(([name, { license }]) => `${name}: ${license ?? 'none'}`);
    expect(others).toEqual([]);
  });

  it('runs no script at installation', () => {
    const scripted = brought.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripted.map(([name]) => name)).toEqual([]);
  });
});
