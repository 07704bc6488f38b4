import { describe, expect, it } from 'vitest';
import { AzureRedisError } from '../../../../lib/azure-redis.errors.js';
import { epochName } from '../../../../lib/llm-cache/invalidation/epoch-names.js';
import {
  namesToInvalidate,
  type LlmCacheInvalidation,
} from '../../../../lib/llm-cache/invalidation/invalidation-target.js';

describe('what to invalidate', () => {
  it.each<[LlmCacheInvalidation, readonly string[]]>([
    [{ all: true }, ['all']],
    [{ key: 'llm:v2:abc' }, ['key:llm:v2:abc']],
    [{ tag: 'prompts' }, ['tag:prompts']],
    [{ tag: 'all' }, ['tag:all']],
    [{ model: 'gpt-5' }, ['model:gpt-5']],
    [{ principal: 'tenant-7' }, ['principal:scope:tenant-7']],
    [{ principal: 'scope:tenant-7' }, ['principal:scope:scope:tenant-7']],
    [{ principal: 'public' }, ['principal:scope:public', 'principal:public']],
  ])('%j', (target, names) => {
    expect(namesToInvalidate(target)).toEqual(names);
  });

  it('has the name by which the request is looked up', () => {
    const names = namesToInvalidate({ principal: 'public' });
    expect(names).toContain(epochName('principal', 'public'));
    expect(namesToInvalidate({ tag: 'a' })).toEqual([epochName('tag', 'a')]);
  });

  it.each<[unknown, string]>([
    [undefined, 'nothing'],
    [null, 'null'],
    ['all', 'a string of 3 characters'],
    [true, 'true'],
    [[], 'an array'],
    [['secret'], 'an array'],
    [{}, 'an object'],
    [{ all: false }, '{ "all": false }'],
    [{ all: 'yes' }, '{ "all": a string of 3 characters }'],
    [{ key: '' }, '{ "key": an empty string }'],
    [{ tag: 7 }, '{ "tag": the number 7 }'],
    [{ tag: ['secret'] }, '{ "tag": an array }'],
    [{ principal: undefined }, '{ "principal": nothing }'],
    [{ tags: 'secret' }, '{ "tags": a string of 6 characters }'],
    [{ key: 'secret', tag: undefined }, '{ "key": a string of 6 characters, "tag": nothing }'],
    [{ all: true, tag: 'secret' }, '{ "all": true, "tag": a string of 6 characters }'],
    [{ a: 1, b: 1, c: null, d: 1, e: 1, f: 1 }, '"d": the number 1, … }'],
  ])('refuses %j, and says what came', (target, got) => {
    const refused = () => namesToInvalidate(target as LlmCacheInvalidation);
    expect(refused).toThrow(AzureRedisError);
    expect(refused).toThrow(expect.objectContaining({ code: 'INVALID_OPTIONS' }));
    expect(refused).toThrow(`${got}. Pass one target per call.`);
    expect(refused).not.toThrow(/secret/);
  });
});
