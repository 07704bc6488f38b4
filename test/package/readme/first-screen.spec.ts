import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { startLocalAzure } from '../../../lib/testing/index.js';
import { eventually } from '../../fixtures/eventually.js';
import type { Project } from '../environment/project.js';
import { readFirstScreen } from './first-screen.js';
import { newApplication } from './new-application.js';

/** The one thing that the README leaves to its reader. */
const ASK_THE_MODEL = `
let answers = 0;
async function askTheModel(request: object): Promise<Response> {
  answers += 1;
  const message = { role: 'assistant', content: \`Answer \${answers} to \${JSON.stringify(request)}\` };
  return Response.json({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'gpt-5',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  });
}
`;
const QUESTION = { model: 'gpt-5', messages: [{ role: 'user', content: 'Hello' }] };

it('makes a new Nest application cache its answers', async () => {
  const azure = await startLocalAzure();
  onTestFinished(() => azure.stop());
  const application = newApplication();
  onTestFinished(() => application.remove());
  const { install, module } = readFirstScreen();
  application.run(install);
  application.write('src/app.module.ts', onLocalAzure(module, azure.connection) + ASK_THE_MODEL);
  application.run('npx tsc');

  const url = await start(application, azure.environment);
  const calls: Answer[] = [];
  // An answer that comes before the connection does is not stored.
  await eventually('a HIT', async () => {
    calls.push(await ask(url));
    return calls.at(-1)?.cache === 'HIT';
  });
  const hit = calls.pop();
  expect(calls[0]?.cache).toBe('MISS');
  expect(calls[0]?.content).toContain('Answer 1 to {"model":"gpt-5"');
  expect(hit?.content).toBe(calls.at(-1)?.content);
});

/** The host is the reader's own; an Azure with its own host has its own port, and no more. */
function onLocalAzure(module: string, { host, port }: { host: string; port: number }): string {
  const placeholder = /host: '[^']*'/g;
  expect(module.match(placeholder)).toHaveLength(1);
  return module.replace(placeholder, `host: '${host}', port: ${port}`);
}

/** Runs the application until the test ends; resolves with its address once it listens. */
async function start(
  application: Project,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const port = await freePort();
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: application.folder,
    env: { ...application.environment, ...environment, PORT: String(port), NO_COLOR: '1' },
  });
  onTestFinished(() => end(child));
  let printed = '';
  child.stderr.on('data', (chunk) => (printed += String(chunk)));
  for await (const line of createInterface(child.stdout)) {
    printed += `${line}\n`;
    if (line.includes('Nest application successfully started')) return `http://127.0.0.1:${port}`;
  }
  throw new Error(`Expected the application to start, it ended:\n${printed}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function ask(url: string): Promise<Answer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer a-caller' },
    body: JSON.stringify(QUESTION),
  });
  const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] };
  return { cache: response.headers.get('x-cache'), content: choices[0].message.content };
}

interface Answer {
  readonly cache: string | null;
  readonly content: string;
}
