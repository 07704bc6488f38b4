import { DEFAULT_LLM_CACHE } from './azure-redis-options.defaults.js';
import { checkDeadline } from './deadline-options.js';
import { describeValue, describeWord } from './describe-value.js';
import { isOptionObject, type OptionReader } from './option-reader.js';

const NAMES = Object.keys(DEFAULT_LLM_CACHE);

/** Adds what is wrong with `options.cache.llm`. */
export function checkLlmCache(cache: OptionReader): void {
  const llm = cache.section('llm', 'an object', 'leave it out for the defaults');
  if (llm === undefined) return;
  llm.rejectUnknownNames(NAMES, { ttlMs: `use ${cache.nameOf('ttlMs')}, or @CacheTTL()` });
  checkScope(llm);
  checkPacing(llm);
  llm.flag('verbatim', 'leave it out for false');
  llm.choice('onDisconnect', ['drain', 'drainIfFollowers', 'abort'], "leave it out for 'drain'");
  checkCount(llm, 'maxEntryBytes', 'bytes');
  checkCount(llm, 'maxFollowers', 'callers');
  checkCount(llm, 'maxTtlMs', 'milliseconds');
  checkDeadline(llm, 'drainDeadlineMs', DEFAULT_LLM_CACHE.drainDeadlineMs);
  checkDeadline(llm, 'followerDeadlineMs', DEFAULT_LLM_CACHE.followerDeadlineMs);
  if (llm.value('clientControls') !== false) {
    llm.choice('clientControls', ['http', 'litellm'], 'leave it out for false');
  }
  checkIgnoredParameters(llm);
}

function checkCount(
  llm: OptionReader,
  name: 'maxEntryBytes' | 'maxFollowers' | 'maxTtlMs',
  unit: string,
): void {
  llm.integer(name, {
    min: 1,
    max: Number.MAX_SAFE_INTEGER,
    expected: `a whole number of ${unit} above 0`,
    advice: `leave it out for ${DEFAULT_LLM_CACHE[name]}`,
  });
}

function checkScope(llm: OptionReader): void {
  const scope = llm.value('scope');
  if (scope === undefined || scope === 'public' || typeof scope === 'function') return;
  const advice = "write (context) => tenantOf(context), or 'public' if all callers may share";
  llm.problem('scope', "a function or 'public'", describeWord(scope), advice);
}

function checkPacing(llm: OptionReader): void {
  const pacing = llm.value('pacing');
  if (pacing === undefined || pacing === 'instant' || pacing === 'recorded') return;
  const rate: unknown = isOptionObject(pacing) ? Reflect.get(pacing, 'tokensPerSecond') : undefined;
  if (typeof rate === 'number' && Number.isFinite(rate) && rate > 0) return;
  const expected = "'instant', 'recorded' or { tokensPerSecond: a number above 0 }";
  llm.problem('pacing', expected, describeWord(pacing), "leave it out for 'instant'");
}

function checkIgnoredParameters(llm: OptionReader): void {
  const names = llm.value('ignoredParameters');
  if (names === undefined) return;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')) {
    return;
  }
  llm.problem(
    'ignoredParameters',
    'an array of parameter names',
    Array.isArray(names) ? 'other items' : describeValue(names),
    "write e.g. ['user', 'metadata'], or leave it out",
  );
}
