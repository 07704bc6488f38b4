import { once } from 'node:events';
import { request, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { PATH } from '../../load/path.js';
import { STREAM_BYTES, STREAM_FRAMES } from '../../servers/sample-answers.js';

/** What a stream has sent when it is held. */
const HALF = Buffer.byteLength(STREAM_FRAMES.slice(0, STREAM_FRAMES.length / 2).join(''));

/** One reader of a stream that is held half way. */
export interface HeldStream {
  readonly halfCame: Promise<void>;
  /** When the last byte came, as `performance.now()` tells it. */
  readonly ended: Promise<number>;
}

export function readHeldStream(url: string, agent: Agent, body: string): HeldStream {
  const headers = { 'content-type': 'application/json' };
  const asked = request(`${url}${PATH}`, { method: 'POST', agent, headers });
  asked.end(body);
  let onHalf = (): void => undefined;
  const half = new Promise<void>((resolve) => (onHalf = resolve));
  const ended = readToEnd(asked, onHalf);
  const endedEarly = ended.then(() => {
    throw new Error('Expected a stream that is held, it has ended.');
  });
  return { halfCame: Promise.race([half, endedEarly]), ended };
}

async function readToEnd(asked: ClientRequest, onHalf: () => void): Promise<number> {
  const [response]: IncomingMessage[] = await once(asked, 'response');
  if (response?.statusCode !== 200) throw new Error(`Expected 200, got ${response?.statusCode}.`);
  let got = 0;
  response.on('data', (bytes: Buffer) => {
    got += bytes.length;
    if (got >= HALF) onHalf();
  });
  await once(response, 'end');
  const endedAt = performance.now();
  if (got !== STREAM_BYTES.length) {
    throw new Error(`Expected a stream of ${STREAM_BYTES.length} bytes, got ${got}.`);
  }
  return endedAt;
}
