import { DEFAULT_FLEET, DEFAULT_LLM_CACHE } from './azure-redis-options.defaults.js';
import { checkDeadline } from './deadline-options.js';
import { describeValue, describeWord, listed } from './describe-value.js';
import { isOptionObject, type OptionReader } from './option-reader.js';

/** A leader renews its lease three times meanwhile, on a machine that may be busy. */
const MIN_LEASE_MS = 500;
const MAX_LEASE_MS = 600_000;

const NAMES = Object.keys(DEFAULT_LLM_CACHE);

/** Without them, one answer would serve all questions. */
const QUESTIONS: ReadonlySet<string> = new Set([
  'contents',
  'input',
  'instructions',
  'messages',
  'model',
  'prompt',
  'response_format',
  'stream',
  'system',
  'tools',
]);

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
  checkFleet(llm);
  checkStaleness(llm, 'staleWhileRevalidateMs');
  checkStaleness(llm, 'staleIfErrorMs');
  for (const name of ['shadow', 'resumable', 'explain']) llm.flag(name, 'leave it out for false');
  checkEncryption(llm);
  checkCompression(llm);
  checkPricing(llm);
}

function checkFleet(llm: OptionReader): void {
  if (llm.value('fleet') === false) return;
  const fleet = llm.section('fleet', 'an object or false', 'leave it out for the defaults');
  if (fleet === undefined) return;
  fleet.rejectUnknownNames(Object.keys(DEFAULT_FLEET));
  fleet.integer('leaseMs', {
    min: MIN_LEASE_MS,
    max: MAX_LEASE_MS,
    expected: `a whole number of milliseconds from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}`,
    advice: `leave it out for ${DEFAULT_FLEET.leaseMs}`,
  });
}

export function checkStaleness(
  llm: OptionReader,
  name: 'staleWhileRevalidateMs' | 'staleIfErrorMs',
): void {
  llm.integer(name, {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    expected: 'a whole number of milliseconds',
    advice: 'leave it out for 0',
  });
}

function checkEncryption(llm: OptionReader): void {
  const advice = 'write { secrets: [secret] }, each at least 32 characters, e.g. from a Key Vault';
  const encryption = llm.section('encryption', 'an object with secrets', advice);
  if (encryption === undefined) return;
  encryption.rejectUnknownNames(['secrets'], { secret: 'use secrets: [current, ...previous]' });
  const secrets = encryption.value('secrets');
  const isList = Array.isArray(secrets) && secrets.length > 0;
  if (!isList) {
    encryption.problem('secrets', 'an array of secrets', describeValue(secrets), advice);
  } else if (!secrets.every((secret) => typeof secret === 'string' && secret.length >= 32)) {
    encryption.problem('secrets', 'texts of at least 32 characters', 'another item', advice);
  } else if (new Set(secrets).size < secrets.length) {
    encryption.problem('secrets', 'different secrets', 'one of them twice', advice);
  }
}

function checkCompression(llm: OptionReader): void {
  const bytes = llm.value('compressAboveBytes');
  if (bytes === Infinity) return;
  llm.integer('compressAboveBytes', {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    expected: 'a whole number of bytes, or Infinity',
    advice: `leave it out for ${DEFAULT_LLM_CACHE.compressAboveBytes}`,
  });
}

function checkPricing(llm: OptionReader): void {
  const pricing = llm.value('pricing');
  if (pricing === undefined || typeof pricing === 'function') return;
  const advice = 'write ({ model, inputTokens, outputTokens }) => price';
  llm.problem('pricing', 'a function', describeWord(pricing), advice);
}

export function checkCount(
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

export function checkPacing(llm: OptionReader): void {
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
    const questions = names.filter((name: string) => QUESTIONS.has(name));
    if (questions.length === 0) return;
    const what = listed(questions, 'and');
    const expected = 'parameters that do not change the answer';
    llm.problem('ignoredParameters', expected, what, 'leave it out of the list');
    return;
  }
  llm.problem(
    'ignoredParameters',
    'an array of parameter names',
    Array.isArray(names) ? 'other items' : describeValue(names),
    "write e.g. ['user', 'metadata'], or leave it out",
  );
}
