import type { IncomingHttpHeaders } from 'node:http';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { describe, expect, it } from 'vitest';
import { credentialPrincipal } from '../../../lib/llm-cache/key/principal.js';
import type { LlmCacheScope } from '../../../lib/options/llm-cache-options.interface.js';
import { resolvePrincipal } from '../../../lib/llm-cache/key/scope.js';

const SECRET = 'Bearer sk-0123456789abcdef';
const principal = (headers: IncomingHttpHeaders, namespace = 'cache') =>
  credentialPrincipal(headers, namespace);

describe('the principal of a caller', () => {
  it.each(['authorization', 'api-key', 'x-api-key', 'cookie'])('is told by %s', (name) => {
    const alice = principal({ [name]: 'alice' });
    expect(alice).toBe(principal({ [name]: 'alice', 'user-agent': 'other' }));
    expect(alice).not.toBe(principal({ [name]: 'bob' }));
    expect(alice).not.toBe(principal({}));
  });

  it('is told by all credentials together and by where they were sent', () => {
    const principals = [
      principal({ authorization: 'a', 'x-api-key': 'b' }),
      principal({ authorization: 'b', 'x-api-key': 'a' }),
      principal({ authorization: 'a' }),
      principal({ 'x-api-key': 'a' }),
      principal({ 'api-key': 'a' }),
      principal({ authorization: 'ab' }),
    ];
    expect(new Set(principals).size).toBe(principals.length);
  });

  it('is anonymous without credentials', () => {
    expect(principal({})).toBe('anonymous');
    expect(principal({ authorization: '' })).toBe('anonymous');
  });

  it('holds nothing of the credential and differs between namespaces', () => {
    const found = principal({ authorization: SECRET });
    expect(found).toMatch(/^credentials:[\w-]{43}$/);
    expect(found).not.toContain('0123456789');
    expect(found).not.toBe(principal({ authorization: SECRET }, 'other'));
  });
});

describe('the scope of a route', () => {
  const context = new ExecutionContextHost([]);
  const resolve = (scope: LlmCacheScope | undefined, headers: IncomingHttpHeaders = {}) =>
    resolvePrincipal(scope, context, headers, 'cache');

  it('is the caller by default', async () => {
    const headers = { authorization: SECRET };
    expect(await resolve(undefined, headers)).toBe(principal(headers));
  });

  it('may be everybody, whatever their credentials', async () => {
    expect(await resolve('public', { authorization: SECRET })).toBe(await resolve('public'));
  });

  it('may be named by a function of the request', async () => {
    const scope: LlmCacheScope = async (asked) => (asked === context ? 'tenant-1' : 'none');
    expect(await resolve(scope)).toBe('scope:tenant-1');
  });

  it('never becomes one of the built-in principals by its name', async () => {
    expect(await resolve(() => 'public')).not.toBe(await resolve('public'));
    expect(await resolve(() => 'anonymous')).not.toBe(await resolve(undefined));
  });

  it.each([
    ['undefined', undefined],
    ['an empty string', ''],
    ['a number', 7],
    ['an object', {}],
  ])('must have a name: %s is refused', async (_what, name) => {
    await expect(resolve((() => name) as LlmCacheScope)).rejects.toThrow(TypeError);
  });
});
