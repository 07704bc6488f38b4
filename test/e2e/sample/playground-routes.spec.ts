import { request } from 'node:http';
import { startLocalAzure } from 'nestjs-azure-redis/testing';
import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPlayground } from './playground-gateway.js';
import type { PlaygroundGateway } from './playground-gateway.js';

describe('the routes of the playground', () => {
  let azure: LocalAzure;
  let gateway: PlaygroundGateway;
  let host: string;

  beforeAll(async () => {
    azure = await startLocalAzure();
    gateway = await startPlayground(azure);
    ({ host } = new URL(gateway.url));
  });
  afterAll(async () => {
    await gateway.close();
    await azure.stop();
  });

  /** Unlike fetch, with any Host and Origin. */
  function post(path: string, headers: Readonly<Record<string, string>>): Promise<number> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      request({ hostname, port, path, method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  }

  it.each(['rotate-token', 'take-entra-away', 'give-entra-back', 'kill-connections'])(
    'do %s for the page itself',
    async (fault) => {
      const headers = { host, origin: `http://${host}` };
      expect(await post(`/playground/faults/${fault}`, headers)).toBe(204);
    },
  );

  it.each<[string, (host: string) => Record<string, string>]>([
    ['another page', (own) => ({ host: own, origin: 'https://other.example' })],
    ['a page on another port', (own) => ({ host: own, origin: 'http://127.0.0.1:1' })],
    ['a caller without an origin', (own) => ({ host: own })],
    ['a page in a sandbox', (own) => ({ host: own, origin: 'null' })],
    [
      'a name that was pointed to this machine',
      () => ({ host: 'other.example', origin: 'http://other.example' }),
    ],
  ])('do no fault for %s', async (_, headers) => {
    const connections = azure.redis.connections;
    expect(await post('/playground/faults/kill-connections', headers(host))).toBe(403);
    expect(azure.redis.connections).toBe(connections);
  });

  it('refuse a fault in words that say what to do', async () => {
    const response = await fetch(`${gateway.url}/playground/faults/rotate-token`, {
      method: 'POST',
    });
    expect(await response.json()).toHaveProperty(
      'error.message',
      expect.stringContaining('open it at the address that npm start prints'),
    );
  });

  it('let the page load and ask nothing but its own gateway', async () => {
    const response = await fetch(gateway.url);
    const policy = response.headers.get('content-security-policy')?.split('; ');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy?.filter((rule) => !/ '(none|self)'$/.test(rule))).toEqual([]);
    expect(await response.text()).not.toMatch(/https?:\/\//);
  });

  it.each(['main.ts', '..%2fmain.ts', '%2e%2e%2fpackage.json', 'toString'])(
    'give out no other file: %s',
    async (name) => {
      expect((await fetch(`${gateway.url}/playground/${name}`)).status).toBe(404);
    },
  );
});
