import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Certificate } from '../certificates.js';
import type { FaultOutcome } from './entra-fault.js';
import type { EntraReply, EntraRequest } from './entra-exchange.js';

export interface Routes {
  isTokenRequest(request: EntraRequest): boolean;
  answer(request: EntraRequest): EntraReply;
}

/** Decides before the routes do; the hook of faults and counters. */
export type Intercept = (isTokenRequest: boolean) => FaultOutcome;

const MAX_BODY_BYTES = 1_000_000;

/**
 * An HTTPS server for the authority and an HTTP server for managed identities. The HTTP server
 * is a proxy too: what an unmodified app sends to login.microsoftonline.com and 169.254.169.254
 * arrives here when the app runs with HTTPS_PROXY and HTTP_PROXY.
 */
export class EntraServers {
  readonly #https;
  readonly #http;
  readonly #sockets = new Set<Socket>();

  constructor(
    certificate: Certificate,
    authority: Routes,
    managedIdentity: Routes,
    intercept: Intercept,
    tunnelledHosts: readonly string[],
  ) {
    this.#https = createHttpsServer(
      { cert: certificate.certificate, key: certificate.privateKey },
      listener('https', authority, intercept),
    );
    this.#http = createHttpServer(listener('http', managedIdentity, intercept));
    this.#http.on('connect', (request, socket: Socket, head) => {
      socket.on('error', () => socket.destroy());
      const host = request.url?.split(':')[0] ?? '';
      if (!tunnelledHosts.includes(host)) {
        socket.end('HTTP/1.1 502 Only Entra is behind this proxy\r\n\r\n');
        return;
      }
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) socket.unshift(head);
      this.#https.emit('connection', socket);
    });
    for (const server of [this.#https, this.#http]) {
      server.on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
    }
  }

  async listen(): Promise<void> {
    await Promise.all([listen(this.#https), listen(this.#http)]);
  }

  get httpsPort(): number {
    return portOf(this.#https);
  }

  get httpPort(): number {
    return portOf(this.#http);
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = [this.#https, this.#http].map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
        }),
    );
    this.disconnect();
    await Promise.all(closed);
  }
}

function listener(scheme: string, routes: Routes, intercept: Intercept): RequestListener {
  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await readForm(message);
    const url = new URL(message.url ?? '/', `${scheme}://${message.headers.host ?? 'localhost'}`);
    const request = { url, headers: message.headers, form };
    const outcome = intercept(routes.isTokenRequest(request));
    if (outcome === 'hang') return;
    if (outcome === 'disconnect') message.socket.destroy();
    else send(response, outcome ?? routes.answer(request));
  };
  return (message, response) => {
    answer(message, response).catch(() => message.socket.destroy());
  };
}

async function readForm(message: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  message.setEncoding('utf8');
  for await (const chunk of message) {
    text += String(chunk);
    if (text.length > MAX_BODY_BYTES) throw new RangeError('The request body is too large');
  }
  return new URLSearchParams(text);
}

function send(response: ServerResponse, { status, body, headers }: EntraReply): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
  response.end(JSON.stringify(body));
}

const listen = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

const portOf = (server: Server): number => (server.address() as AddressInfo).port;
