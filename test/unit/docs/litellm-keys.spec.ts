import { describe, expect, it } from 'vitest';
import { azureRedisOptionsFromLiteLlm } from '../../../lib/options/from-litellm.js';
import { readRequestControls } from '../../../lib/llm-cache/policy/request-controls.js';
import { read } from '../../fixtures/docs/pages.js';
import { tableOf } from '../../fixtures/docs/tables.js';

const PAGE = 'docs/litellm.md';

interface DocumentedKey {
  readonly key: string;
  readonly here: string;
  readonly note: string;
}

function keysIn(firstTitle: string): DocumentedKey[] {
  return tableOf(PAGE, firstTitle).flatMap(([keys = '', here = '', note = '']) =>
    [...keys.matchAll(/`([^`]+)`/g)].map(([, key = '']) => ({
      key: key.replace('*', 'any'),
      here,
      note,
    })),
  );
}

/** A value that each understood key takes; others may have any. */
const VALUES: Readonly<Record<string, unknown>> = {
  port: 6380,
  ssl: true,
  azure_redis_ad_token: 'true',
  ttl: 60,
  default_in_redis_ttl: 60,
  mode: 'default_off',
  supported_call_types: ['acompletion'],
  redis_startup_nodes: [{ host: 'my-cache.westeurope.redis.azure.net', port: 10_000 }],
  azure_client_id: 'a client',
  azure_tenant_id: 'a tenant',
  azure_client_secret: 'a secret',
};

/** @returns the keys that have no effect */
function unsupportedOf(params: Readonly<Record<string, unknown>>): readonly string[] {
  let unsupported: readonly string[] = [];
  const settings = { litellm_settings: { cache: true, cache_params: params } };
  azureRedisOptionsFromLiteLlm(`${JSON.stringify(settings)}\n`, {
    env: {},
    onUnsupported: (keys) => (unsupported = keys),
  });
  return unsupported;
}

const BASE = { type: 'redis', host: 'my-cache.redis.cache.windows.net' };
/** A service principal has all three. */
const PRINCIPAL = { azure_client_id: 'a', azure_tenant_id: 'b', azure_client_secret: 'c' };
const keys = keysIn('key');

describe('the keys of cache_params', () => {
  it('are told once each', () => {
    const names = keys.map(({ key }) => key);
    expect(names).toEqual([...new Set(names)]);
    expect(new Set(keys.map(({ here }) => here))).toEqual(
      new Set(['supported', 'different', 'no effect']),
    );
  });

  it.each(keys)('$key: $here', ({ key, here }) => {
    const params = { ...BASE, ...PRINCIPAL, [key]: VALUES[key] ?? BASE.type };
    expect(unsupportedOf(params)).toEqual(here === 'no effect' ? [key] : []);
  });

  it('that are understood are all in the table', () => {
    const source = read('lib/options/litellm-cache-params.ts');
    const lists = /const CONNECTION_KEYS\b.*?\n};.*?const SUPPORTED_KEYS\b.*?\n];/s.exec(source);
    const understood = [...(lists?.[0] ?? '').matchAll(/(?:: |^ {2})'([a-z_]+)'/gm)];
    const told = keys.filter(({ here }) => here !== 'no effect').map(({ key }) => key);
    expect(told.toSorted()).toEqual(understood.map(([, key = '']) => key).toSorted());
  });

  it.each([
    ['another type', { ...BASE, type: 'redis-semantic' }],
    ['no type', { host: BASE.host }],
    ['a switch that is off', { ...BASE, azure_redis_ad_token: 'false' }],
  ])('%s is refused', (_, params) => {
    expect(() => unsupportedOf(params)).toThrow(/cache_params/);
  });

  it('that are refused are marked', () => {
    const refused = keys.filter(({ note }) => note.includes('refused:')).map(({ key }) => key);
    expect(refused).toEqual(['type', 'azure_redis_ad_token']);
  });
});

describe('the settings beside cache_params', () => {
  const listed = /^Beside `cache_params`, the keys (.*?) of `litellm_settings`/ms.exec(read(PAGE));
  const names = [...(listed?.[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name);

  it('are those that are warned of', () => {
    let unsupported: readonly string[] = [];
    const settings = Object.fromEntries(names.map((name) => [name, 1]));
    const text = JSON.stringify({ litellm_settings: { cache: true, ...settings } });
    azureRedisOptionsFromLiteLlm(`${text}\n`, {
      env: { REDIS_HOST: BASE.host },
      onUnsupported: (found) => (unsupported = found),
    });
    expect(unsupported).toEqual(names.map((name) => `litellm_settings.${name}`));
    expect(names).toHaveLength(5);
  });
});

describe('the member cache of requests', () => {
  const members = keysIn('member').map(({ key }) => key);

  it.each(members)('%s is understood', (member) => {
    const value = { namespace: 'mine', ttl: 5, 's-maxage': 5, 's-max-age': 5 }[member] ?? true;
    const controls = (cache: object) =>
      readRequestControls({}, { cache }, 'litellm', { maxTtlMs: 60_000 });
    expect(controls({ [member]: value })).not.toEqual(controls({}));
  });

  it('has all of them', () => {
    const source = read('lib/llm-cache/policy/request-controls.ts');
    const understood = [...source.matchAll(/member\['([\w-]+)'\]/g)].map(([, name = '']) => name);
    expect(members.toSorted()).toEqual([...new Set(understood)].toSorted());
  });
});
