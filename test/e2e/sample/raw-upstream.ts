import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UpstreamTarget } from '../../../sample/01-llm-gateway/upstream/upstream-target.js';

export interface RawUpstream {
  readonly target: UpstreamTarget;
  /** Headers and body of every request, oldest first. */
  readonly requests: readonly { headers: IncomingHttpHeaders; body: string }[];
  close(): Promise<void>;
}

/** A model API that answers byte by byte as the test says. */
export async function startRawUpstream(
  answer: RequestListener,
  authorization: UpstreamTarget['authorization'] = 'none',
): Promise<RawUpstream> {
  const requests: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      requests.push({ headers: request.headers, body });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    target: { description: 'raw', baseUrl: `http://127.0.0.1:${port}/v1`, authorization },
    requests,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
