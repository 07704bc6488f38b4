import { runSample } from '../01-llm-gateway/run-sample.js';
import { playground } from './playground.js';

await runSample(playground);
