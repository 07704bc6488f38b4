import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import { UNIQUE } from '../plan/requests.js';
import type { Load, LoadResult } from './load.interface.js';
import { PATH } from './path.js';

const load: Load = JSON.parse(process.argv[2] ?? '');
const { method, body, variants } = load.request;
const run = randomUUID();
let count = 0;
const unique = (): string =>
  variants === undefined ? `${run}-${(count += 1)}` : `${(count = (count % variants) + 1)}`;

const result = await autocannon({
  url: `${load.url}${PATH}`,
  connections: load.connections,
  duration: load.seconds,
  method,
  headers: body === undefined ? {} : { 'content-type': 'application/json' },
  requests: [
    {
      setupRequest: (request) => ({
        ...request,
        ...(body !== undefined && { body: body.replace(UNIQUE, unique()) }),
      }),
    },
  ],
});
const told: LoadResult = {
  requests: result['2xx'] + result.non2xx,
  seconds: result.duration,
  p50Us: result.latency.p50 * 1_000,
  p99Us: result.latency.p99 * 1_000,
  failures: result.non2xx + result.errors + result.timeouts,
};
process.stdout.write(JSON.stringify(told));
