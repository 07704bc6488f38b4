import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { Workspace } from '../../../lib/testing/workspace.js';
import { UNIQUE } from '../plan/requests.js';
import type { RequestPlan } from '../plan/row.interface.js';
import type { Load, LoadGenerator, LoadResult } from './load.interface.js';
import { PATH } from './path.js';

const RESULT = 'bench-result ';
const GRACE_MS = 15_000;

/** A text of JSON without line ends is a text of Lua, too. */
const lua = (text: string): string => JSON.stringify(text);

function requestScript({ method, body, variants }: RequestPlan): string {
  if (body === undefined) return '';
  const head = `wrk.method = ${lua(method)}\nwrk.headers["content-type"] = "application/json"\n`;
  const [before = '', after] = body.split(UNIQUE);
  if (after === undefined) return `${head}wrk.body = ${lua(body)}\n`;
  const run = variants === undefined ? `${randomUUID()}-` : '';
  return `${head}
local count = 0
local before, after = ${lua(`${before}${run}`)}, ${lua(after)}
request = function()
  count = count${variants === undefined ? '' : ` % ${variants}`} + 1
  return wrk.format(nil, nil, nil, before .. count .. after)
end
`;
}

const REPORT_SCRIPT = `
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '${RESULT}{"requests":%d,"seconds":%f,"p50Us":%f,"p99Us":%f,"failures":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`;

/** wrk on one thread: it takes least of the core that it shares with Redis. */
export class Wrk implements LoadGenerator {
  readonly description = 'wrk, one thread';
  readonly #workspace: Workspace;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  async run(
    { url, request, connections, seconds }: Load,
    signal: AbortSignal,
  ): Promise<LoadResult> {
    const script = await this.#workspace.write(
      `wrk-${randomUUID()}.lua`,
      requestScript(request) + REPORT_SCRIPT,
    );
    const { stdout } = await promisify(execFile)(
      'wrk',
      ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, `${url}${PATH}`],
      { timeout: seconds * 1_000 + GRACE_MS, signal },
    );
    const result = stdout.split(RESULT)[1];
    if (result === undefined) throw new Error(`wrk told no result:\n${stdout}`);
    return JSON.parse(result);
  }
}
