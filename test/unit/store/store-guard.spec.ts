import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AvailabilityLog } from '../../../lib/azure-redis.availability-log.js';
import { StoreGuard } from '../../../lib/store/store-guard.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';

const DEADLINE_MS = 250;

let logger: RecordingLogger;
let connected: boolean;
let guard: StoreGuard;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  logger = new RecordingLogger();
  connected = true;
  guard = new StoreGuard({
    deadlineMs: DEADLINE_MS,
    isConnected: () => connected,
    availability: new AvailabilityLog(logger, {
      up: 'up',
      down: (reason) => `down ${reason}`,
      initially: 'up',
    }),
    logger,
    explain: ({ message }) => message,
  });
});
afterEach(() => void vi.useRealTimers());

const answer = async (): Promise<string> => 'answer';
const never = (): Promise<string> => new Promise(() => undefined);
const read = (operation: () => Promise<string>, node = ''): Promise<string> =>
  guard.run('read', node, operation, 'miss');
const refuse = (message: string) => (): Promise<string> =>
  Promise.reject(Object.assign(new Error(message), { name: 'ReplyError' }));
/** `now` is what the promise has become by then; `undefined` while it is pending. */
async function after(ms: number, promise: Promise<string>): Promise<string | undefined> {
  let now: string | undefined;
  void promise.then((value) => (now = value));
  await vi.advanceTimersByTimeAsync(ms);
  // The deadline gives answers that have arrived one more turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  return now;
}

describe('the deadline', () => {
  it('is kept to the millisecond', async () => {
    const pending = read(never);
    expect(await after(DEADLINE_MS - 1, pending)).toBeUndefined();
    expect(await after(1, pending)).toBe('miss');
  });

  it('costs an outage once: later operations are skipped, but for one probe at a time', async () => {
    const first = read(never);
    await after(DEADLINE_MS, first);
    const probe = read(never);
    const operation = vi.fn<typeof answer>(answer);
    expect(await after(0, read(operation))).toBe('miss');
    expect(operation).not.toHaveBeenCalled();
    expect(await after(DEADLINE_MS, probe)).toBe('miss');
    expect(await read(answer)).toBe('answer');
    expect(await read(answer)).toBe('answer');
    expect(guard.failures).toEqual({ read: 3, write: 0 });
    expect(logger.lines).toEqual([expect.stringMatching(/^warn down .*250 ms/), 'log up']);
  });

  it('of one node leaves the others alone, and is over only when that node answers', async () => {
    await after(DEADLINE_MS, read(never, 'a'));
    expect(await read(answer, 'b')).toBe('answer');
    expect(logger.lines).toHaveLength(1);
    expect(await read(answer, 'a')).toBe('answer');
    expect(logger.lines).toEqual([expect.stringMatching(/^warn down/), 'log up']);
  });
});

describe('without a connection', () => {
  it('nothing is sent that Redis would carry out later, and the reason is left to the client', async () => {
    connected = false;
    const operation = vi.fn<typeof answer>(answer);
    expect(await read(operation)).toBe('miss');
    expect(operation).not.toHaveBeenCalled();
    expect(logger.lines).toEqual([]);
  });

  it('an operation under way fails open', async () => {
    const lost = read(async () => {
      connected = false;
      throw new Error('Connection is closed.');
    });
    expect(await lost).toBe('miss');
    connected = true;
    expect(await read(answer)).toBe('answer');
  });
});

describe('an error of Redis itself', () => {
  it('is an answer: logged once, whatever comes and goes, until it has stopped for 10 s', async () => {
    const write = (operation: () => Promise<string>) =>
      guard.run('write', '', operation, 'dropped');
    for (let round = 0; round < 5; round += 1) {
      expect(await write(refuse('OOM too much'))).toBe('dropped');
      expect(await write(answer)).toBe('answer');
      expect(await read(answer)).toBe('answer');
    }
    expect(logger.lines).toEqual([expect.stringMatching(/refuses cache writes: OOM/)]);
    await vi.advanceTimersByTimeAsync(10_000);
    await write(answer);
    expect(logger.lines[1]).toMatch(/accepts cache writes again/);
  });

  it.each(['WRONGPASS invalid', 'ERR invalid username-password pair', 'NOAUTH required'])(
    '%s belongs to the handshake, not to the operation',
    async (message) => {
      expect(await read(refuse(message))).toBe('miss');
      expect(logger.linesLike(/refuses/)).toEqual([]);
      expect(logger.linesLike(/down/)).toHaveLength(1);
    },
  );
});
