import { POST_UNIQUE_STREAM } from '../plan/requests.js';
import type { Bench } from '../run/bench.js';
import { ask } from '../run/check-answer.js';
import type { NestRoute, NestSettings } from '../servers/settings.js';
import { STREAM_FRAMES } from '../servers/sample-answers.js';

const STREAMS = 100;

/** What the server has sent of each stream, and keeps. */
const HALF = Buffer.byteLength(STREAM_FRAMES.slice(0, STREAM_FRAMES.length / 2).join(''));

/** In KB: what each stream that is recorded takes beyond its bytes so far. */
export const inFlightStream = async (bench: Bench): Promise<number> =>
  (await memoryPerStream(bench, 'cached-stream')) - HALF / 1_024;

/** In KB: what Nest itself takes for a stream. */
export const inFlightUncached = (bench: Bench): Promise<number> => memoryPerStream(bench, 'stream');

async function memoryPerStream(bench: Bench, route: NestRoute): Promise<number> {
  await bench.redis.clear();
  const settings: NestSettings = { platform: 'fastify', route };
  return bench.withServer('nest', settings, async (server) => {
    const hundred = (name: string): Promise<Response>[] =>
      Array.from({ length: STREAMS }, (_, index) =>
        ask(server.url, POST_UNIQUE_STREAM, `${name}-${index}`),
      );
    // Streams that have ended leave behind what all share: code, pools, connections.
    await Promise.all(hundred('first').map(async (response) => (await response).arrayBuffer()));
    const before = await server.ask('memory');
    await server.ask('hold');
    const held = await Promise.all(hundred('held').map(readHalf));
    const during = await server.ask('memory');
    await server.ask('release');
    await Promise.all(held.map((reader) => readToEnd(reader)));
    return (during.memoryBytes - before.memoryBytes) / STREAMS / 1_024;
  });
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

async function readHalf(asked: Promise<Response>): Promise<Reader> {
  const { status, body } = await asked;
  if (status !== 200 || body === null) throw new Error(`Expected a stream, got ${status}.`);
  const reader = body.getReader();
  for (let got = 0; got < HALF;) {
    const { done, value } = await reader.read();
    if (done) throw new Error('Expected a stream that is held, it has ended.');
    got += value.length;
  }
  return reader;
}

async function readToEnd(reader: Reader): Promise<void> {
  while (!(await reader.read()).done);
}
