import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { azureRedisOptionsFromLiteLlm } from '../../../lib/options/from-litellm.js';
import {
  problemsIn,
  read,
  unsupportedIn,
  withParams,
  withRedis,
} from './litellm-config.fixture.js';
import { HOST, problemsOf, SECRET } from './problems-of.js';

describe('azureRedisOptionsFromLiteLlm', () => {
  describe('evaluates nothing', () => {
    it.each([
      ['a Python call', `host: !!python/object/apply:os.system ["echo ${SECRET}"]`],
      ['a JavaScript function', `host: !!js/function "function () { return '${SECRET}'; }"`],
      ['a custom tag', `host: !env ${SECRET}`],
    ])('and refuses %s', (_, line) => {
      expect(problemsIn(withParams('type: redis', line))).toEqual([
        expect.stringMatching(
          /^config: expected no custom YAML tags, got one at line 5, column 11;/,
        ),
      ]);
    });

    it('and has a bound for aliases', () => {
      const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
      for (const [index, name] of 'bcdefghij'.split('').entries()) {
        const previous = 'abcdefghij'.charAt(index);
        lines.push(`${name}: &${name} [${Array(10).fill(`*${previous}`).join(', ')}]`);
      }
      expect(problemsIn([...lines, withRedis()].join('\n'))).toEqual([
        expect.stringMatching(/^config: expected at most 10000 YAML aliases/),
      ]);
    });

    it('and survives deep nesting', () => {
      expect(problemsIn(`litellm_settings:\n  ${'['.repeat(20_000)}`)).toEqual([
        expect.stringMatching(/^config: expected valid YAML/),
      ]);
    });

    it('and sets no prototype', () => {
      const calls = unsupportedIn(withRedis('__proto__: {polluted: 1}'));
      expect(calls).toEqual([['__proto__']]);
      expect({}).not.toHaveProperty('polluted');
    });
  });

  it('says where the YAML is wrong, without quoting it', () => {
    const problems = problemsIn(`litellm_settings:\n  cache: true\n  ${SECRET}: [\n`);
    expect(problems).toEqual([
      expect.stringMatching(/^config: expected valid YAML, got [A-Z_]+ at line \d+, column \d+;/),
    ]);
    expect(problemsIn(`a: *${SECRET.replaceAll('~', '')}\n`)).toEqual([
      expect.stringMatching(/^config: expected at most 10000 YAML aliases, each with its anchor/),
    ]);
  });

  describe('given a path', () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'litellm config-'));
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('reads the file', () => {
      const path = join(folder, 'config.yaml');
      writeFileSync(path, `\uFEFF${withRedis('port: 6380')}`);
      expect(read(path)).toEqual({ host: HOST, port: 6380 });
    });

    it.each([
      [
        'that is missing',
        'missing.yaml',
        /^config: expected a readable file, got ENOENT for ".*missing\.yaml"; pass the path or the text/,
      ],
      [
        'of a folder',
        '.',
        /^config: expected a file of at most 1048576 bytes, got something else;/,
      ],
    ])('%s, says so', (_, name, problem) => {
      expect(problemsIn(join(folder, name))).toEqual([expect.stringMatching(problem)]);
    });

    it('of a huge file, does not read it', () => {
      const path = join(folder, 'huge.yaml');
      writeFileSync(path, '');
      truncateSync(path, 2 ** 30);
      expect(problemsIn(path)).toEqual([expect.stringMatching(/got a larger one;/)]);
    });

    it.each([
      ['an empty text', ''],
      ['text that is neither', `{"password":"${SECRET}"}`],
      ['text that is too long', `# ${'x'.repeat(2 ** 20)}\n${withRedis()}`],
    ])('or not: %s', (_, text) => {
      expect(problemsIn(text)).toHaveLength(1);
    });

    it('or nothing at all', () => {
      expect(problemsOf(() => Reflect.apply(azureRedisOptionsFromLiteLlm, undefined, []))).toEqual([
        expect.stringMatching(/^config: expected the path or the text .* got nothing;/),
      ]);
    });
  });
});
