import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { answerHeaders, type LiveAnswer } from './answer.js';
import { PushedChunks } from './pushed-chunks.js';

/**
 * Listens to what a handler writes to `@Res()` by itself. The writing goes on as ever; pieces are
 * those that the handler made.
 *
 * @returns the answer once its head is known. Rejects when the response ends without one.
 */
export function recordRawResponse(response: ServerResponse): Promise<LiveAnswer> {
  return new Promise((resolve, reject) => {
    const chunks = new PushedChunks();
    const writeHead = response.writeHead.bind(response);
    const write = response.write.bind(response);
    const end = response.end.bind(response);
    let named: OutgoingHttpHeaders = {};
    let hasBegun = false;
    const begin = (): void => {
      if (hasBegun) return;
      hasBegun = true;
      const valueOf = (name: string): string | undefined => {
        const value = named[name] ?? response.getHeader(name);
        return typeof value === 'string' ? value : undefined;
      };
      // What is encoded for one caller cannot be given to others.
      if (valueOf('content-encoding') !== undefined) chunks.fail(new Error('Encoded.'));
      const { statusCode: status } = response;
      resolve({ head: { kind: 'raw', status, headers: answerHeaders(valueOf) }, chunks });
    };
    const push = (chunk: unknown, encoding: unknown): void => {
      begin();
      if (typeof chunk === 'string') chunks.push(Buffer.from(chunk, encodingOf(encoding)));
      else if (chunk instanceof Uint8Array) chunks.push(chunk);
    };
    const restore = (): void => void Object.assign(response, { writeHead, write, end });
    Object.assign(response, {
      writeHead(...args: unknown[]) {
        named = lowerCase(args.find((arg) => typeof arg === 'object' && arg !== null));
        const [status] = args;
        if (typeof status === 'number') response.statusCode = status;
        begin();
        return Reflect.apply(writeHead, response, args);
      },
      write(...args: unknown[]) {
        push(args[0], args[1]);
        return Reflect.apply(write, response, args);
      },
      end(...args: unknown[]) {
        push(args[0], args[1]);
        chunks.end();
        restore();
        return Reflect.apply(end, response, args);
      },
    });
    response.once('close', () => {
      const error = new Error('The response was closed before its end.');
      restore();
      chunks.fail(error);
      reject(error);
    });
  });
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8';
}

function lowerCase(headers: unknown): OutgoingHttpHeaders {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
