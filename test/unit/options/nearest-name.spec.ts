import { describe, expect, it } from 'vitest';
import { nearestName } from '../../../lib/options/nearest-name.js';

const KNOWN = ['host', 'port', 'topology', 'startupNodes', 'tls', 'db', 'credential'];

describe('nearestName', () => {
  it.each([
    ['hots', 'host'],
    ['hosts', 'host'],
    ['toplogy', 'topology'],
    ['credentials', 'credential'],
    ['startup-nodes', 'startupNodes'],
    ['TLS', 'tls'],
    ['tsl', 'tls'],
  ])('takes %s for %s', (name, expected) => {
    expect(nearestName(name, KNOWN)).toBe(expected);
  });

  it.each(['zebra', 'x', '', 'ab', 'nothing-like-it', 'c'.repeat(1_000)])(
    'finds nothing near %s',
    (name) => {
      expect(nearestName(name, KNOWN)).toBeUndefined();
    },
  );

  it('finds nothing among nothing', () => {
    expect(nearestName('host', [])).toBeUndefined();
  });
});
