import { describeValue, describeWord } from './describe-value.js';
import { checkCount, checkPacing, checkStaleness } from './llm-cache-options.js';
import { OptionProblems } from './option-problems.js';
import { OptionReader } from './option-reader.js';

/** What a route and a `fetch` may set for themselves. */
const SHARED = [
  'scope',
  'ttlMs',
  'pacing',
  'verbatim',
  'maxEntryBytes',
  'tags',
  'staleWhileRevalidateMs',
  'staleIfErrorMs',
  'shadow',
  'near',
];

/** @throws AzureRedisOptionsError with all that is wrong with the options of `@LlmCache()` */
export function checkRouteOptions(options: object): void {
  check('@LlmCache()', options, ['cacheable', 'resumable'], (route) => {
    expectFunction(route, 'cacheable', 'write (context) => true or false');
    route.flag('resumable', 'leave it out for the default of the module');
    const scope = route.value('scope');
    if (scope !== undefined && scope !== 'public' && typeof scope !== 'function') {
      const advice = "write (context) => tenantOf(context), or 'public' if all callers may share";
      route.problem('scope', "a function or 'public'", describeWord(scope), advice);
    }
    if (typeof route.value('ttlMs') !== 'function') checkTtl(route, ', or a function');
  });
}

/** @throws AzureRedisOptionsError with all that is wrong with the options of `createFetch()` */
export function checkFetchOptions(options: object): void {
  check('createFetch()', options, ['fetch'], (own) => {
    expectFunction(own, 'fetch', 'leave it out for the global one');
    if (typeof own.value('scope') !== 'function') {
      own.text('scope', 'a name, or a function', "write the tenant, or 'public'");
    }
    checkTtl(own, '');
  });
}

function check(
  where: string,
  options: object,
  names: readonly string[],
  checkOthers: (reader: OptionReader) => void,
): void {
  const problems = new OptionProblems();
  const reader = new OptionReader(options, where, problems);
  reader.rejectUnknownNames([...SHARED, ...names]);
  checkPacing(reader);
  for (const name of ['verbatim', 'shadow', 'near']) {
    reader.flag(name, 'leave it out for the default of the module');
  }
  checkCount(reader, 'maxEntryBytes', 'bytes');
  checkStaleness(reader, 'staleWhileRevalidateMs');
  checkStaleness(reader, 'staleIfErrorMs');
  checkTags(reader);
  checkOthers(reader);
  if (!problems.none) throw problems.toError();
}

function checkTtl(reader: OptionReader, otherwise: string): void {
  const ttlMs = reader.value('ttlMs');
  if (ttlMs === undefined) return;
  if (typeof ttlMs === 'number' && Number.isFinite(ttlMs) && ttlMs > 0) return;
  const expected = `a number of milliseconds above 0${otherwise}`;
  reader.problem('ttlMs', expected, describeWord(ttlMs), 'leave it out for "cache.ttlMs"');
}

function checkTags(reader: OptionReader): void {
  const tags = reader.value('tags');
  if (tags === undefined || typeof tags === 'function') return;
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag !== '')) return;
  const came = Array.isArray(tags) ? 'other items' : describeValue(tags);
  reader.problem('tags', 'an array of names, or a function', came, "write e.g. ['kb-42']");
}

function expectFunction(reader: OptionReader, name: string, advice: string): void {
  const value = reader.value(name);
  if (value === undefined || typeof value === 'function') return;
  reader.problem(name, 'a function', describeWord(value), advice);
}
