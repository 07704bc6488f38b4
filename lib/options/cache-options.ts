import { DEFAULT_CACHE, DEFAULT_NEAR } from './azure-redis-options.defaults.js';
import { describeValue, listed } from './describe-value.js';
import { checkDeadline } from './deadline-options.js';
import { checkLlmCache } from './llm-cache-options.js';
import type { OptionReader } from './option-reader.js';

const NAMES = ['namespace', 'ttlMs', 'deadlineMs', 'mode', 'supportedCallTypes', 'near', 'llm'];

/** Adds what is wrong with `options.cache`. */
export function checkCache(options: OptionReader): void {
  if (typeof options.value('cache') === 'boolean') return;
  const cache = options.section(
    'cache',
    'true, false or the cache options',
    'leave it out for the defaults',
  );
  if (cache === undefined) return;
  cache.rejectUnknownNames(NAMES, { ttl: `use ${cache.nameOf('ttlMs')}, in milliseconds` });
  checkNamespace(cache);
  cache.integer('ttlMs', {
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    expected: 'a whole number of milliseconds above 0',
    advice: `leave it out for ${DEFAULT_CACHE.ttlMs}; there are no entries without expiry`,
  });
  checkDeadline(cache, 'deadlineMs', DEFAULT_CACHE.deadlineMs);
  cache.choice('mode', ['default_on', 'default_off'], "leave it out for 'default_on'");
  checkCallTypes(cache);
  checkNear(cache);
  checkLlmCache(cache);
}

function checkNear(cache: OptionReader): void {
  if (typeof cache.value('near') === 'boolean') return;
  const near = cache.section('near', 'true, false or an object', 'leave it out for false');
  if (near === undefined) return;
  near.rejectUnknownNames(Object.keys(DEFAULT_NEAR));
  for (const [name, unit] of [
    ['maxBytes', 'bytes'],
    ['maxEntries', 'entries'],
  ] as const) {
    near.integer(name, {
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      expected: `a whole number of ${unit} above 0`,
      advice: `leave it out for ${DEFAULT_NEAR[name]}`,
    });
  }
  checkDeadline(near, 'maxAgeMs', DEFAULT_NEAR.maxAgeMs);
  near.flag('decrypted', 'leave it out for false');
}

/** `*?[]\` are pattern characters of SCAN MATCH: the prefix would match the keys of others. */
function checkNamespace(cache: OptionReader): void {
  const expected = 'a key prefix without white space and without * ? [ ] \\';
  const advice = 'write e.g. my-app:cache';
  const namespace = cache.text('namespace', expected, advice);
  const wrong = [...new Set(namespace?.match(/[*?[\]\\\s]/g))];
  if (wrong.length === 0) return;
  const shown = wrong.map((character) => (character.trim() === '' ? 'white space' : character));
  cache.problem('namespace', expected, `one with ${listed([...new Set(shown)], 'and')}`, advice);
}

function checkCallTypes(cache: OptionReader): void {
  const value = cache.value('supportedCallTypes');
  if (value === undefined) return;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '')) {
    return;
  }
  cache.problem(
    'supportedCallTypes',
    "an array of LiteLLM's call types",
    Array.isArray(value) ? 'other items' : describeValue(value),
    "write e.g. ['acompletion', 'aembedding'], or leave it out for all",
  );
}
