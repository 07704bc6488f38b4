import { Epochs } from '../../../../lib/llm-cache/invalidation/epochs.js';
import { epochStore } from './epoch-store.js';

const epochs = new Epochs(epochStore().store, { namespace: 'cache' });
const { isFresh } = await epochs.epochOf(['key:a']);
await epochs.invalidate(['key:a']);
process.stdout.write(`fresh ${isFresh}\n`);
