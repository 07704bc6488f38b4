import { measureFanOut } from '../measure/fan-out.js';
import type { Curve } from './curve.interface.js';

const FOLLOWERS = [1, 10, 100, 1_000];

export const FAN_OUT: Curve = {
  name: 'fanOut',
  title: 'One streamed call against those who follow it',
  x: { label: 'followers', scale: 'log' },
  quantities: [
    { name: 'cpuUs', label: 'CPU µs per follower', scale: 'linear', isDrawn: true },
    { name: 'p50Ms', label: 'added, p50 ms', scale: 'log', isDrawn: true },
    { name: 'p99Ms', label: 'added, p99 ms', scale: 'log', isDrawn: true },
    { name: 'calls', label: 'calls upstream', scale: 'linear', isDrawn: false },
  ],
  points: FOLLOWERS.map((followers) => ({
    series: 'followers of one call',
    x: followers,
    measure: (bench) => measureFanOut(bench, followers),
  })),
  notes:
    'Nest on Fastify, POST; a stream of 200 frames stops half way until all followers have got so ' +
    'far, and then goes on. CPU is what the call costs more than alone, by each follower. Added ' +
    'is the time from there to the last byte, beyond that of a call alone; one core serves and ' +
    'one client reads all of them. What is below 0 is within the noise, and not drawn.',
};
