import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodyDigest, partDigest } from '../../../lib/llm-cache/key/body-digest.js';
import { BodyDigests } from '../../../lib/llm-cache/key/body-digests.js';
import { canonicalJson } from '../../../lib/llm-cache/key/canonical-json.js';

const large = (length: number, end = 'x'): object => ({
  model: 'm',
  messages: [
    { role: 'system', content: 'Be kind. '.repeat(20_000) },
    { role: 'user', content: `${'é🙂"\\'.repeat(length / 5)}${end}` },
  ],
});

describe('the digest of a body', () => {
  it('is the same in one step and in many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        expect(await bodyDigest(body, undefined)).toBe(partDigest(body, undefined));
      }),
    );
    expect(await bodyDigest(large(500_000), undefined)).toBe(partDigest(large(500_000), undefined));
  });

  it.each([65_535, 65_536, 65_537, 131_072, 200_001])(
    'tells what differs behind %i characters, and tears no character in two',
    async (length) => {
      for (const unit of ['a', '🙂', '\ud83d']) {
        const text = unit.repeat(Math.ceil(length / unit.length));
        expect(canonicalJson(text)).toBe(JSON.stringify(text));
        expect(await bodyDigest([text, 'a'], undefined)).not.toBe(
          await bodyDigest([text, 'b'], undefined),
        );
      }
    },
  );

  it('lets others have their turn while a large body is digested', async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    await bodyDigest(large(20_000_000), undefined);
    clearImmediate(next);
    expect(turns).toBeGreaterThan(3);
  });

  it('is none for what has no canonical text, however late that shows', async () => {
    expect(await bodyDigest({ ...large(500_000), z: 2 ** 60 }, undefined)).toBeUndefined();
    expect(await bodyDigest(new Date(0), undefined)).toBeUndefined();
  });
});

/** Those that have come twice are remembered. */
async function rememberedDigest(digests: BodyDigests, body: unknown): Promise<string | undefined> {
  await digests.digestOf(body, 'p', undefined);
  return digests.digestOf(body, 'p', undefined);
}

describe('remembered digests', () => {
  it('are those of the bodies themselves', async () => {
    const digests = new BodyDigests();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 3 }), async (bodies) => {
        for (const body of [...bodies, ...bodies, ...bodies]) {
          const copy: unknown = JSON.parse(JSON.stringify(body));
          expect(await digests.digestOf(copy, 'p', undefined)).toBe(partDigest(body, undefined));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are of the rules by which they were made', async () => {
    const digests = new BodyDigests();
    const body = { model: 'm', user: 'bob' };
    const omitted = { names: new Set(['user']) };
    const [with_, without] = [
      await digests.digestOf(body, 'all', undefined),
      await digests.digestOf(body, 'some', omitted),
    ];
    expect(with_).not.toBe(without);
    expect(await digests.digestOf({ model: 'm' }, 'some', omitted)).toBe(without);
  });

  it('do not follow a body that somebody changes', async () => {
    const digests = new BodyDigests();
    const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
    const before = await rememberedDigest(digests, body);
    // A handler may do as it likes.
    body.messages[0] = { role: 'user', content: 'Ha' };
    const after = await digests.digestOf(body, 'p', undefined);
    expect(after).not.toBe(before);
    const asBefore = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
    expect(await digests.digestOf(asBefore, 'p', undefined)).toBe(before);
  });

  it('tell apart bodies that look alike: the middle of a long text', async () => {
    const digests = new BodyDigests();
    const bodyOf = (middle: string): object => ({
      text: `${'a'.repeat(999)}${middle}${'a'.repeat(1_001)}`,
    });
    const [one, other] = [
      await rememberedDigest(digests, bodyOf('x')),
      await rememberedDigest(digests, bodyOf('y')),
    ];
    expect(one).not.toBe(other);
    expect(await digests.digestOf(bodyOf('x'), 'p', undefined)).toBe(one);
  });

  it('are none for what is no JSON, and for what is nested too deeply', async () => {
    const digests = new BodyDigests();
    for (const body of [{ at: new Date(0) }, { bytes: Buffer.from('a') }, nested(300)]) {
      expect(await rememberedDigest(digests, body)).toBeUndefined();
    }
  });

  it('need not be remembered for a body of very many values', async () => {
    const digests = new BodyDigests();
    const input = Array.from({ length: 60_000 }, (_, token) => token);
    expect(await digests.digestOf({ input }, 'p', undefined)).toBe(
      partDigest({ input }, undefined),
    );
  });
});

function nested(depth: number): unknown {
  return JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
}
