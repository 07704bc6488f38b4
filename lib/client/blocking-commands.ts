/** Commands that Redis may rightly leave unanswered for as long as their caller wants. */
const BLOCKING = new Set([
  'blpop',
  'brpop',
  'brpoplpush',
  'blmove',
  'blmpop',
  'bzpopmin',
  'bzpopmax',
  'bzmpop',
  'xread',
  'xreadgroup',
  'wait',
  'waitaof',
]);

export function isBlocking(commandName: string): boolean {
  return BLOCKING.has(commandName.toLowerCase());
}
