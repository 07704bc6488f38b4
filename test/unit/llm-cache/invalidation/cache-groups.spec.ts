import { describe, expect, it } from 'vitest';
import { readCacheGroups } from '../../../../lib/llm-cache/invalidation/cache-groups.js';

const group = (index: number) => `"group-${index}"`;

describe('the groups of Cache-Groups and Cache-Group-Invalidation', () => {
  it.each<[string, string | readonly string[] | undefined, readonly string[]]>([
    ['no field', undefined, []],
    ['an empty field', '', []],
    ['one', '"a"', ['a']],
    ['several', '"prompts-v7", "tenant 1"', ['prompts-v7', 'tenant 1']],
    ['spaces and tabs around commas', '  "a"\t, \t"b" ,"c"  ', ['a', 'b', 'c']],
    ['commas and semicolons inside', '"a, b;c=1", "d"', ['a, b;c=1', 'd']],
    ['escaped quotes', String.raw`"say \"hi\"", "b"`, ['say "hi"', 'b']],
    ['escaped backslashes', String.raw`"a\\", "\\\"b"`, ['a\\', '\\"b']],
    ['an empty one', '"", "a"', ['', 'a']],
    ['doubles once', '"a", "b", "a"', ['a', 'b']],
    ['lines', ['"a", "b"', '"c"'], ['a', 'b', 'c']],
    ['no lines', [], []],
    [
      'all of printable ASCII',
      '" !#$%&\'()*+,-./:;<=>?@[]^_`{|}~"',
      [" !#$%&'()*+,-./:;<=>?@[]^_`{|}~"],
    ],
  ])('%s', (_name, field, groups) => {
    expect(readCacheGroups(field)).toEqual(groups);
  });

  it.each([
    '"a";x',
    '"a";x;y',
    '"a"; x; *y.z-_*=1',
    '"a";x=?1',
    '"a";x=-12.345',
    '"a";x=123456789012345',
    '"a";x="b, \\"c\\""',
    '"a";x=token/1:2',
    '"a";x=*',
    '"a";x=:aGk=:',
    '"a";x=@1659578233',
    '"a";x=%"f%c3%bc"',
  ])('ignores the parameters of %s', (field) => {
    expect(readCacheGroups(field)).toEqual(['a']);
    expect(readCacheGroups(`${field}, "b"`)).toEqual(['a', 'b']);
  });

  it.each([
    'a',
    'a, "b"',
    '"b", a',
    '"a", 1',
    '"a", ?1',
    '("a" "b")',
    '"a", :aGk=:',
    '"a',
    'a"',
    '"a\\"',
    '"a\\b"',
    '"a" "b"',
    '"a"b',
    '"a",',
    ',"a"',
    '"a",,"b"',
    '"a"; "b"',
    '"a" ;x',
    '"a";\tx',
    '"a";X',
    '"a";',
    '"a";x=',
    '"a";x =1',
    '"a";x= 1',
    '"a";x=1.',
    '"a";x=1.2345',
    '"a";x=1234567890123456',
    '"a";x=1234567890123.1',
    '"a";x=?2',
    '"a";x=:a_b:',
    '"a";x=@1.5',
    '"a";x=%"%C3%BC"',
    '"a";x="b',
    '"ü"',
    '"a\u00a0b"',
    '"a\tb"',
    '"a\nb"',
    '"a\u007f"',
    "'a'",
  ])('ignores a field that is malformed, or holds other things than strings: %j', (field) => {
    expect(readCacheGroups(field)).toEqual([]);
  });

  it('takes 128 groups of 128 characters, and leaves out what is more or longer', () => {
    const many = Array.from({ length: 130 }, (_, index) => group(index)).join(', ');
    const groups = readCacheGroups(many);
    expect(groups).toHaveLength(128);
    expect(groups.at(-1)).toBe('group-127');
    const [fits, tooLong] = ['x'.repeat(128), 'y'.repeat(129)];
    expect(readCacheGroups(`"${tooLong}", "${fits}"`)).toEqual([fits]);
  });

  it('does not take long over a field that is hostile', () => {
    const startedAt = performance.now();
    const fields = [
      `"a"${';x'.repeat(100_000)}"`,
      `"a${'\\\\'.repeat(100_000)}`,
      `"a"${' '.repeat(100_000)}x`,
      `"a";x=${'1'.repeat(100_000)}`,
      '"a",'.repeat(100_000),
    ];
    for (const field of fields) expect(readCacheGroups(field)).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
