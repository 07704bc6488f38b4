import type { Redis } from 'ioredis';

/** Redis answers others between two of them. */
const COPIES_PER_SCRIPT = 10_000;
/** At the end of a copy's name, so that names stay as long as they are. */
const DIGITS = 7;

const COPY = `
for number = ARGV[1], ARGV[2] do
  redis.call('COPY', KEYS[1], KEYS[1]:sub(1, -${DIGITS + 1}) .. string.format('%0${DIGITS}d', number))
end
`;

/** Copies the largest value, which is an entry, until there are so many keys. */
export async function copyEntries(redis: Redis, count: number): Promise<void> {
  const source = await largestKey(redis);
  const missing = count - (await redis.dbsize());
  for (let first = 1; first <= missing; first += COPIES_PER_SCRIPT) {
    const last = Math.min(missing, first + COPIES_PER_SCRIPT - 1);
    await redis.eval(COPY, 1, source, first, last);
  }
  const size = await redis.dbsize();
  if (size < count) throw new Error(`Expected ${count} keys in Redis, got ${size}.`);
}

async function largestKey(redis: Redis): Promise<string> {
  let largest = { key: '', bytes: 0 };
  for (const key of await redis.keys('*')) {
    const bytes = Number(await redis.memory('USAGE', key));
    if (bytes > largest.bytes) largest = { key, bytes };
  }
  return largest.key;
}
