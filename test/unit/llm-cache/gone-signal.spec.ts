import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ResponseOver } from '../../../lib/llm-cache/gone-signal.js';

async function openResponse(): Promise<{ client: Socket; response: ServerResponse }> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const response = await new Promise<ServerResponse>((resolve) => {
    server.once('request', (_request, first) => resolve(first));
  });
  return { client, response };
}

describe('the signal that a response is over', () => {
  it.each<[string, (open: Awaited<ReturnType<typeof openResponse>>) => void]>([
    ['sent', ({ response }) => response.end()],
    ['given up', ({ client }) => client.destroy()],
  ])('is aborted when it is %s', async (_how, end) => {
    const open = await openResponse();
    const signal = new ResponseOver(open.response);
    const heard: string[] = [];
    const leave = (): number => heard.push('taken back');
    signal.addEventListener('abort', () => heard.push('over'));
    signal.addEventListener('abort', leave);
    signal.removeEventListener('abort', leave);
    expect(signal.aborted).toBe(false);
    expect(() => signal.throwIfAborted()).not.toThrow();
    const closed = once(open.response, 'close');
    end(open);
    await closed;
    expect(heard).toStrictEqual(['over']);
    expect(signal.aborted).toBe(true);
    expect(() => signal.throwIfAborted()).toThrow('The response is over.');
    expect(signal.reason).toHaveProperty('name', 'AbortError');
  });

  it('is one listener of the response, however many there are', async () => {
    const { response } = await openResponse();
    const signal = new ResponseOver(response);
    const before = response.listenerCount('close');
    for (let count = 0; count < 20; count += 1) signal.addEventListener('abort', () => undefined);
    expect(response.listenerCount('close')).toBe(before + 1);
  });

  it('is never aborted where there is no response of Node', () => {
    const signal = new ResponseOver(undefined);
    signal.addEventListener('abort', () => undefined);
    expect(signal.aborted).toBe(false);
  });
});
