import { describe, expect, it } from 'vitest';
import { requestTarget } from '../../../lib/llm-cache/key/request-target.js';

describe('requestTarget', () => {
  it.each([
    ['/a', '/a', ''],
    ['/a?', '/a', ''],
    ['/a?b=2&a=1', '/a', 'a=1&b=2'],
    ['/a?b&a', '/a', 'a&b'],
    ['/a?x=2&x=1', '/a', 'x=2&x=1'],
    ['/a?q=1?2', '/a', 'q=1?2'],
  ])('%s', (url, path, query) => {
    expect(requestTarget(url)).toEqual({ path, query });
  });

  it('does not decode, so that an escaped separator stays a value', () => {
    expect(requestTarget('/a?b=1%26c=2')).not.toEqual(requestTarget('/a?b=1&c=2'));
  });
});
