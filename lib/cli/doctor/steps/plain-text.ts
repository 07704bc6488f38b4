import { once } from 'node:events';
import { connect } from 'node:net';
import { withDeadline } from '../../../azure-redis.deadline.js';
import type { AzureRedisOptions } from '../../../options/azure-redis-options.interface.js';
import type { Address } from '../address.js';
import { type Finding, StepFailure } from '../step.js';

const CLEAR_TEXT =
  'Without TLS the token travels in clear text: only for a tunnel that encrypts by itself.';

/** Asks for a PONG, which no TLS port and nothing but Redis gives; "-NOAUTH" is an answer too. */
export async function checkPlainText(
  { deadlines }: AzureRedisOptions,
  address: Address,
): Promise<Finding<true>> {
  const socket = connect(address);
  const firstBytes = once(socket, 'data').then(([chunk]) => String(chunk));
  // A peer that only closes the socket says nothing either.
  const nothing = once(socket, 'close').then(() => '');
  try {
    socket.write('PING\r\n');
    const answer = await withDeadline(
      Promise.race([firstBytes, nothing]),
      deadlines.connectMs,
      () => new Error('no answer'),
    ).catch(() => '');
    if (/^[+-]/.test(answer)) return { value: true, fact: 'off', advice: [CLEAR_TEXT] };
  } finally {
    // once() rejects when the socket fails, and nobody waits for it any more.
    firstBytes.catch(() => undefined);
    nothing.catch(() => undefined);
    socket.destroy();
  }
  throw new StepFailure(`off, and ${address.host}:${address.port} does not speak plain Redis`, [
    'It wants TLS: leave "tls", --no-tls and REDIS_SSL=false out.',
  ]);
}
