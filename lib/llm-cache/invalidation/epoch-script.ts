import { redisScript, type ScriptReply } from '../../store/script-store.interface.js';

/** The sorted set with the epochs of one cache, which has no expiry; and where its changes are told. */
export const EPOCHS_KEY = 'llm:epochs';

/**
 * Gives each of the names a version of its own, one above all others, and returns the base and
 * the versions that the caller does not know, oldest first and so many that no reply blocks.
 *
 * The set holds names with their versions as scores, and its base with the score `+inf`. Whatever
 * was stored under another base counts as invalidated, so a new one is made when the set is
 * gone; when it holds too many names; and when it lacks the newest version that the caller
 * knows, as after a failover to a replica that had not got it yet.
 *
 * ARGV: base, newest version and its name, as the caller knows them; a new base; most names;
 * versions per reply; names to invalidate.
 */
export const EXCHANGE_EPOCHS = redisScript(`
local key, known_base, known_version, known_name = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local new_base, most_names, page_size = ARGV[4], tonumber(ARGV[5]), ARGV[6]

local base = redis.call('ZRANGEBYSCORE', key, '+inf', '+inf', 'LIMIT', 0, 1)[1]
local function start_again()
  redis.call('UNLINK', key)
  redis.call('ZADD', key, '+inf', new_base)
  base = new_base
end

if not base then
  start_again()
elseif base == known_base and known_name ~= '' then
  local version = redis.call('ZSCORE', key, known_name)
  if not version or tonumber(version) < tonumber(known_version) then start_again() end
end

if #ARGV > 6 then
  local newest = redis.call('ZREVRANGEBYSCORE', key, '(+inf', '-inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local version = tonumber(newest or '0')
  for i = 7, #ARGV do
    version = version + 1
    redis.call('ZADD', key, string.format('%.0f', version), ARGV[i])
  end
  if redis.call('ZCARD', key) - 1 > most_names then start_again() end
  redis.call('PUBLISH', key, '')
end

local above = base == known_base and known_version or '0'
return {base, redis.call('ZRANGEBYSCORE', key, '(' .. above, '(+inf', 'WITHSCORES', 'LIMIT', 0, page_size)}
`);

export interface EpochChanges {
  readonly base: string;
  /** Names with their versions, oldest first. */
  readonly versions: readonly (readonly [name: string, version: number])[];
}

/** @returns `undefined` when it is no reply of the script */
export function readChanges(reply: ScriptReply | undefined): EpochChanges | undefined {
  const [base, changes] = items(reply);
  if (!Buffer.isBuffer(base)) return undefined;
  const texts = items(changes).map(String);
  const versions: [string, number][] = [];
  for (let index = 0; index + 1 < texts.length; index += 2) {
    versions.push([texts[index] ?? '', Number(texts[index + 1])]);
  }
  return { base: base.toString(), versions };
}

function items(reply: ScriptReply | undefined): readonly ScriptReply[] {
  return typeof reply === 'object' && reply !== null && !Buffer.isBuffer(reply) ? reply : [];
}
