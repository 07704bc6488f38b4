import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Vault } from '../../../../lib/llm-cache/sealing/vault.js';
import type { ScriptStore } from '../../../../lib/store/script-store.interface.js';

const [A, B] = ['the older secret, 32 bytes at least', 'the newer secret, 32 bytes at least'];
const CONTEXT = 'llm:v2:entry';

/** As the store is while Redis is away. */
const AWAY: ScriptStore = { runScript: async () => undefined };

const vaultWith = (...secrets: string[]) => new Vault(AWAY, { secrets, compressAboveBytes: 100 });

describe('a vault without a secret', () => {
  const sealer = vaultWith().sealerFor('tenant', '1');

  it('needs no Redis to give back what it was given', async () => {
    const anyBytes = fc.uint8Array({ maxLength: 2_000, size: 'max' });
    await fc.assert(
      fc.asyncProperty(anyBytes, async (array) => {
        const bytes = Buffer.from(array);
        const sealed = (await sealer.seal(CONTEXT, bytes)) ?? Buffer.alloc(0);
        expect((await sealer.open(CONTEXT, sealed))?.equals(bytes)).toBe(true);
        expect(await sealer.open('llm:v2:other', sealed)).toBeUndefined();
      }),
    );
  });

  it('compresses', async () => {
    const text = Buffer.from('the same again and '.repeat(100));
    const sealed = (await sealer.seal(CONTEXT, text)) ?? Buffer.alloc(0);
    expect(sealed.length).toBeLessThan(100);
    expect(await sealer.open(CONTEXT, sealed)).toEqual(text);
    for (let length = 0; length < sealed.length; length++) {
      expect(await sealer.open(CONTEXT, sealed.subarray(0, length))).toBeUndefined();
    }
  });

  it('leaves names as they are, and has nothing to erase', async () => {
    expect(vaultWith().namesOf('llm:v2:entry')).toEqual(['llm:v2:entry']);
    expect(await vaultWith().erase('tenant')).toBe(true);
  });
});

describe('a vault with secrets', () => {
  it('names things for the current secret, and finds them by the names of all', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const [older] = vaultWith(A).namesOf(name);
        const [newer] = vaultWith(B).namesOf(name);
        expect(vaultWith(B, A).namesOf(name)).toEqual([newer, older]);
        expect(newer).toMatch(/^llm:[\w-]{43}$/);
        expect(newer).not.toBe(older);
      }),
    );
  });

  it('seals and opens nothing while Redis is away', async () => {
    const sealer = vaultWith(A).sealerFor('tenant', '1');
    expect(await sealer.seal(CONTEXT, Buffer.from('Hi'))).toBeUndefined();
    expect(await sealer.open(CONTEXT, Buffer.alloc(100, 0x11))).toBeUndefined();
    expect(await vaultWith(A).erase('tenant')).toBe(false);
  });

  it('does not open what is not encrypted: whoever writes to Redis could have made it', async () => {
    const plain = await vaultWith().sealerFor('tenant', '1').seal(CONTEXT, Buffer.from('Hi'));
    const sealer = vaultWith(A).sealerFor('tenant', '1');
    expect(await sealer.open(CONTEXT, plain ?? Buffer.alloc(0))).toBeUndefined();
  });
});
