import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealingSecret } from '../../../../lib/llm-cache/sealing/sealing-secret.js';

const SECRET = 'a secret of at least thirty-two bytes';
const SALT = Buffer.alloc(32, 1);

const exported = (secret: string, principal: string, salt: Buffer) =>
  new SealingSecret(secret).keyFor(principal, salt).key.export().toString('hex');

const anyText = fc.string({ unit: 'binary' });

it('derives the same in every process and version', () => {
  const secret = new SealingSecret(SECRET);
  expect(secret.id.toString('hex')).toBe('8300a7d1');
  expect(secret.nameOf('name', 'tag')).toBe('KnSn5YDu_j6pl-V8-t_PlfsQg6o5C96keV0Tw9hO4ao');
  expect(exported(SECRET, 'tenant', SALT)).toBe(
    'e4d5044319ffb5ffabf03dc8e1eefa126a4fcac93c51b797eee6f98b9c0b3ace',
  );
});

describe('a key', () => {
  it('is another for another secret, principal or salt', () => {
    const anySecret = fc.string({ minLength: 32, maxLength: 80 });
    const anySalt = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const anyMaterial = fc.tuple(anySecret, anyText, anySalt);
    fc.assert(
      fc.property(anyMaterial, anyMaterial, (a, b) => {
        const keys = new Set<string>();
        const materials = new Set<string>();
        for (const secret of [a[0], b[0]]) {
          for (const principal of [a[1], b[1]]) {
            for (const salt of [a[2], b[2]]) {
              materials.add(JSON.stringify([secret, principal, [...salt]]));
              keys.add(exported(secret, principal, Buffer.from(salt)));
            }
          }
        }
        expect(keys.size).toBe(materials.size);
      }),
    );
  });

  it.each([
    ['of thousands of characters', 'p'.repeat(5_000), `${'p'.repeat(4_999)}q`],
    ['that UTF-8 does not tell apart', '\ud800', '\ud801'],
  ])('tells principals apart %s', (_what, one, other) => {
    expect(exported(SECRET, one, SALT)).not.toBe(exported(SECRET, other, SALT));
  });
});

describe('a name', () => {
  it('is another for another secret, kind or text', () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        const names = ['name', 'salt'].flatMap((kind) =>
          [SECRET, `${SECRET}!`].flatMap((secret) =>
            [...new Set([one, other])].map((text) =>
              new SealingSecret(secret).nameOf(kind === 'name' ? 'name' : 'salt', text),
            ),
          ),
        );
        expect(new Set(names).size).toBe(names.length);
        for (const name of names) expect(name).toMatch(/^[\w-]{43}$/);
      }),
    );
  });
});

describe('a secret', () => {
  it('has a short public id of its own', () => {
    const { id } = new SealingSecret(SECRET);
    expect(id).toHaveLength(4);
    expect(new SealingSecret(SECRET).id).toEqual(id);
    expect(new SealingSecret(`${SECRET}!`).id).not.toEqual(id);
  });

  it('is not shown when it is printed', () => {
    const secret = new SealingSecret(SECRET);
    expect(inspect(secret, { depth: 9, showHidden: true })).not.toContain(SECRET);
    expect(JSON.stringify(secret)).not.toContain(SECRET);
  });
});
