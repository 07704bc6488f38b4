import type { NearCache } from '../../store/near-cache.js';
import type { AnswerMemory } from './answer-memory.js';
import type { Entry } from './entry.js';

/** About what an entry takes beside its frames, and a frame beside its bytes. */
const BYTES_BESIDE = 256;

/** An answer that this process remembers, ready to be given. */
export function nearAnswer(
  memory: AnswerMemory,
  near: NearCache<Entry>,
  key: string,
): AnswerMemory {
  return {
    name: memory.name,
    isInParts: memory.isInParts,
    isPartial: memory.isPartial,
    isRebuilt: memory.isRebuilt,
    call: (ask, isPassedOn) => memory.call(ask, isPassedOn),
    findNear: () => near.get(key),
    find: async () => {
      const { changes: since } = near;
      const entry = await memory.find();
      if (entry !== undefined)
        near.remember(key, { value: ownCopy(entry), bytes: sizeOf(entry), since });
      return entry;
    },
    record: async (entry, keptMs) => {
      await memory.record(entry, keptMs);
      near.overwritten(key);
    },
    delete: async () => {
      const isDeleted = await memory.delete();
      near.forget(key);
      return isDeleted;
    },
  };
}

/** Of what came from Redis, the bytes are a part of all that came at that time. */
function ownCopy(entry: Entry): Entry {
  const frames = entry.frames.map((frame) => ({ ...frame, bytes: Buffer.from(frame.bytes) }));
  return { ...entry, frames };
}

const sizeOf = ({ frames }: Entry): number =>
  frames.reduce((sum, { bytes }) => sum + bytes.length + BYTES_BESIDE, BYTES_BESIDE);
