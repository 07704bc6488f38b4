import { DEFAULT_SCOPE } from './azure-redis-options.defaults.js';
import { describeValue } from './describe-value.js';
import type { OptionReader } from './option-reader.js';

/** Adds what is wrong with `options.username`; LiteLLM's blank default means "from the token". */
export function checkUsername(options: OptionReader): void {
  const username = options.value('username');
  if (username === undefined || (typeof username === 'string' && !/\S\s|\s\S/.test(username))) {
    return;
  }
  options.problem(
    'username',
    'the object id of the identity',
    typeof username === 'string' ? 'text with white space' : describeValue(username),
    'leave it out: the token names it',
  );
}

/** Adds what is wrong with `options.scope`. */
export function checkScope(options: OptionReader): void {
  const expected = 'an Entra scope that ends in /.default';
  const advice = `leave it out for ${DEFAULT_SCOPE}; only sovereign clouds differ`;
  const scope = options.text('scope', expected, advice);
  if (scope === undefined || /^\S+\/\.default$/.test(scope)) return;
  options.problem('scope', expected, 'another text', advice);
}
