import { describe, expect, it } from 'vitest';
import {
  Explainer,
  explanationDetail,
  type ComponentName,
} from '../../../../lib/llm-cache/explanation/explain.js';
import type { ScriptStore } from '../../../../lib/store/script-store.interface.js';
import { digest, digestsOf, explained } from './explained.js';

const AT = new Date('2026-01-01T00:00:00Z');
/** RFC 8941 section 3.3.3. */
const STRUCTURED_STRING = /^"(?:[ !#-[\]-~]|\\["\\])*"$/;

describe('the text for Cache-Status', () => {
  const detail = (differs: readonly ComponentName[], afterMs: number) =>
    explanationDetail({ differs, storedAt: AT }, AT.getTime() + afterMs);

  it.each([
    [['tools', 'history'], 42_999, '"differs: tools, history; stored 42 s ago"'],
    [['last message'], 0, '"differs: last message; stored 0 s ago"'],
    [['epoch'], 3_600_000, '"differs: epoch; stored 3600 s ago"'],
    [[], 1_000, '"differs: nothing; stored 1 s ago"'],
    [['model'], -5_000, '"differs: model; stored 0 s ago"'],
  ] as const)('is a string of RFC 8941: %j after %d ms', (differs, afterMs, text) => {
    expect(detail(differs, afterMs)).toBe(text);
    expect(text).toMatch(STRUCTURED_STRING);
  });

  it('does not exist for what is not to be told', () => {
    expect(explanationDetail({ differs: ['principal'], storedAt: undefined })).toBeUndefined();
    expect(detail(['principal'], 1_000)).toBeUndefined();
  });
});

describe('an explainer in trouble', () => {
  const rejects = (): never => {
    throw new Error('unreachable');
  };
  const failing: ScriptStore = { runScript: async () => rejects() };
  const silent: ScriptStore = { runScript: async () => undefined };
  const strange: ScriptStore = { runScript: async () => [null, 1, Buffer.from('a b'), []] };
  const digests = digestsOf(explained({ prompt: 'Hi' }));
  const plain = (name: string): readonly [string] => [name];

  it.each([
    ['with a store that throws', failing, plain],
    ['with a store that has no answer', silent, plain],
    ['with a store that answers anything', strange, plain],
    ['with names that cannot be made', strange, rejects],
  ])('%s explains nothing, and harms nobody', async (_what, store, namesOf) => {
    const explainer = new Explainer({ store, digest, namesOf });
    await expect(explainer.remember(digests)).resolves.toBeUndefined();
    for (const isPrincipalTold of [true, false]) {
      expect(await explainer.explain(digests, { isPrincipalTold })).toBeUndefined();
    }
  });

  it('says of nothing that it is the entry of another principal while it cannot see its own', async () => {
    const shared: string[] = [];
    const explainer = new Explainer({
      store: {
        runScript: async (kind, _script, [key]) => {
          if (kind === 'write') shared.push(key);
          return kind === 'write' ? 1 : undefined;
        },
      },
      digest,
      namesOf: plain,
    });
    await explainer.remember(digests);
    expect(shared).toHaveLength(2);
    expect(await explainer.explain(digests, { isPrincipalTold: true })).toBeUndefined();
  });

  it('does not put into the list of all what is not in the own one', async () => {
    const keys: string[] = [];
    const explainer = new Explainer({
      store: {
        runScript: async (_kind, _script, [key]) => {
          keys.push(key);
          return undefined;
        },
      },
      digest,
      namesOf: plain,
    });
    await explainer.remember(digests);
    expect(keys).toHaveLength(1);
  });

  it('has no digests of what a protocol or a digest throws at', () => {
    const explainer = new Explainer({ store: silent, digest, namesOf: plain });
    const request = explained({ prompt: 'Hi' });
    expect(explainer.digestsOf(request)).toEqual(digests);
    expect(explainer.digestsOf({ ...request, protocol: { components: rejects } })).toBeUndefined();
    const broken = new Explainer({ store: silent, digest: rejects, namesOf: plain });
    expect(broken.digestsOf(request)).toBeUndefined();
  });
});
