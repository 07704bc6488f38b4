import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { answerHeaders, headerText, isForbidden, type LiveAnswer } from './answer.js';
import { PushedChunks } from './pushed-chunks.js';

/** What a handler writes by itself. */
export interface RawRecording {
  /** Once its head is known. Rejects when the response ends without one. */
  readonly answer: Promise<LiveAnswer>;
  /** What has been written is no whole answer, and what will be is none either. */
  readonly fail: (error: unknown) => void;
}

/**
 * Listens to what a handler writes to `@Res()` by itself. The writing goes on as ever; pieces are
 * those that the handler made.
 */
export function recordRawResponse(response: ServerResponse): RawRecording {
  const chunks = new PushedChunks();
  let fail: (error: unknown) => void = () => undefined;
  const answer = new Promise<LiveAnswer>((resolve, reject) => {
    fail = (error) => {
      chunks.fail(error);
      reject(error);
    };
    const writeHead = response.writeHead.bind(response);
    const write = response.write.bind(response);
    const end = response.end.bind(response);
    let named: OutgoingHttpHeaders = {};
    let hasBegun = false;
    const begin = (): void => {
      if (hasBegun) return;
      hasBegun = true;
      const valueOf = (name: string): string | undefined => {
        return headerText(named[name] ?? response.getHeader(name));
      };
      // What is encoded for one caller cannot be given to others.
      if (valueOf('content-encoding') !== undefined || isForbidden(valueOf)) {
        chunks.fail(new Error('Not for others.'));
      }
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
      restore();
      fail(new Error('The response was closed before its end.'));
    });
  });
  // Whoever waits for it hears of it; nobody may.
  answer.catch(() => undefined);
  return { answer, fail: (error) => fail(error) };
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8';
}

/** An object, pairs, or names and values in turn as in `rawHeaders`. */
function lowerCase(headers: unknown): OutgoingHttpHeaders {
  const named: Record<string, string> = {};
  for (const [name, value] of entriesOf(headers)) {
    const text = headerText(value) ?? String(value);
    const key = String(name).toLowerCase();
    named[key] = named[key] === undefined ? text : `${named[key]}, ${text}`;
  }
  return named;
}

function entriesOf(headers: unknown): (readonly unknown[])[] {
  if (typeof headers !== 'object' || headers === null) return [];
  if (!Array.isArray(headers)) return Object.entries(headers);
  if (headers.every((item) => Array.isArray(item))) return headers;
  const values: readonly unknown[] = headers;
  return values.flatMap((name, index) => (index % 2 === 0 ? [[name, values[index + 1]]] : []));
}
