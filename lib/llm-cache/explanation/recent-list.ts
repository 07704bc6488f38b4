import { redisScript, type ScriptStore } from '../../store/script-store.interface.js';

/** Records per list; with the longest ones a list has less than 4 KB. */
export const MOST_RECENT = 32;

/**
 * Lifetime of a list after its last record. Longer than most entries live, because it is to tell
 * of those that have expired as well; no longer than one looks for the reason of a miss.
 */
export const RECENT_MS = 24 * 60 * 60 * 1000;

/** Found as text, because Redis knows nothing of what the records consist of. */
const ADD = redisScript(`
for _, record in ipairs(redis.call('lrange', KEYS[1], 0, -1)) do
  if string.sub(record, 1, #ARGV[1]) == ARGV[1] then
    redis.call('lrem', KEYS[1], 1, record)
  end
end
redis.call('lpush', KEYS[1], ARGV[1] .. ARGV[2])
redis.call('ltrim', KEYS[1], 0, ARGV[3])
redis.call('pexpire', KEYS[1], ARGV[4])
return 1
`);

const READ = redisScript(`return redis.call('lrange', KEYS[1], 0, -1)`);

export interface RecentRecord {
  /** Kept once. */
  readonly digests: readonly string[];
  /** When it was kept last, in whatever unit. */
  readonly time: number;
}

/** @returns whether Redis confirmed it */
export async function addRecent(
  store: ScriptStore,
  key: string,
  { digests, time }: RecentRecord,
): Promise<boolean> {
  const args = [`${digests.join(' ')} `, time, MOST_RECENT - 1, RECENT_MS];
  return (await store.runScript('write', ADD, [key], args)) !== undefined;
}

/** @returns `undefined` when Redis is in trouble */
export async function readRecent(
  store: ScriptStore,
  key: string,
): Promise<readonly RecentRecord[] | undefined> {
  const reply = await store.runScript('read', READ, [key], []);
  if (!Array.isArray(reply)) return undefined;
  return reply.map((record) => {
    const words = String(record).split(' ');
    return { digests: words.slice(0, -1), time: Number(words.at(-1)) };
  });
}
