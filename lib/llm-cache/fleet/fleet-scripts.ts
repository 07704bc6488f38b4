import { redisScript } from '../../store/script-store.interface.js';

// A lease is a hash: `token` and `process` of the leader, and for each process that follows a field
// `f:<process>` with the time when it was last heard of, in milliseconds. The log of an answer is a stream whose ids count from `1-0` on; its name
// has the token of its leader, so that the answers of two leaders never mix.

const NOW = `local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end`;

/**
 * KEYS lease, the answer if it is kept as a whole. ARGV token, lease in ms, process, prefix of the
 * channels, name of the flight. Returns for the leader 1 if there may be an answer, of a leader
 * before it, and 0 if there is none; for a follower the token of the leader.
 */
export const JOIN = redisScript(`
${NOW}
local token = redis.call('HGET', KEYS[1], 'token')
if not token then
  redis.call('HSET', KEYS[1], 'token', ARGV[1], 'process', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
  return 1
end
redis.call('HSET', KEYS[1], 'f:' .. ARGV[3], now())
redis.call('PUBLISH', ARGV[4] .. redis.call('HGET', KEYS[1], 'process'), ARGV[5])
return token
`);

/**
 * KEYS lease, log. ARGV token, lease in ms, lifetime of the log in ms. Returns how many processes
 * follow, those left out that were not heard of for a lease; -1 when the lease is lost. A log that
 * nobody follows is deleted: it may be told once more, or not as a whole.
 */
export const RENEW = redisScript(`
${NOW}
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local followers, fields = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 2) == 'f:' then
    if tonumber(fields[i + 1]) + tonumber(ARGV[2]) < now() then
      redis.call('HDEL', KEYS[1], fields[i])
    else
      followers = followers + 1
    end
  end
end
if followers == 0 then redis.call('DEL', KEYS[2]) end
return followers
`);

/**
 * KEYS lease, log. ARGV token, lease in ms, prefix of the channels, name of the flight, lifetime of
 * the log in ms, records to keep (0: all), 1 to give the lease up, number of the first record,
 * records. Returns -1 when the lease is lost. Records that are there already, because a reply was
 * lost, are left alone; the first record begins a new log.
 */
export const APPEND = redisScript(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return -1 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[8] == '1' then redis.call('DEL', KEYS[2]) end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
local known = 0
if last[1] then known = tonumber(string.match(last[1][1], '^%d+')) end
for i = 9, #ARGV do
  local number = tonumber(ARGV[8]) + i - 9
  if number > known then redis.call('XADD', KEYS[2], number .. '-0', 'r', ARGV[i]) end
end
if tonumber(ARGV[6]) > 0 then redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[6]) end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 2) == 'f:' then
    redis.call('PUBLISH', ARGV[3] .. string.sub(field, 3), ARGV[4])
  end
end
if ARGV[7] == '1' then redis.call('DEL', KEYS[1]) end
return 0
`);

/**
 * KEYS lease. ARGV token, 1 when the log tells all. Gives the lease up, unless somebody follows
 * who would wait for a log. Returns 1 then.
 */
export const RELEASE = redisScript(`
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' and redis.call('HLEN', KEYS[1]) > 2 then return 1 end
redis.call('DEL', KEYS[1])
return 0
`);

/**
 * KEYS lease, log. ARGV token, number of the last record that is known, most records.
 * Returns 1 while the leader has its lease, then id and record in turns.
 */
export const READ = redisScript(`
local reply = { redis.call('HGET', KEYS[1], 'token') == ARGV[1] and 1 or 0 }
local first = (tonumber(ARGV[2]) + 1) .. '-0'
for _, record in ipairs(redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', ARGV[3])) do
  reply[#reply + 1] = tonumber(string.match(record[1], '^%d+'))
  reply[#reply + 1] = record[2][2]
end
return reply
`);

/** KEYS lease. ARGV token, process. The process still follows. */
export const FOLLOW = redisScript(`
${NOW}
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'f:' .. ARGV[2], now())
end
return 0
`);

/** KEYS lease. ARGV token, process. Returns nothing: the process does not follow any more. */
export const UNFOLLOW = redisScript(`
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'f:' .. ARGV[2])
end
return 0
`);
