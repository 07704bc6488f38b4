import { runSample } from './run-sample.js';

await runSample();
