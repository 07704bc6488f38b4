import { measureOnCluster, measureOnStandalone } from '../measure/on-nodes.js';
import type { Curve } from './curve.interface.js';
import { servedQuantities } from './quantities.js';

const CLUSTER_NODES = 3;

export const NODES: Curve = {
  name: 'nodes',
  title: 'A hit against the nodes of Redis',
  x: { label: 'nodes', scale: 'places' },
  quantities: servedQuantities({ cpuUs: 'linear', requestsPerSecond: 'linear' }),
  points: [
    { series: 'hit in Redis', x: 1, measure: measureOnStandalone },
    {
      series: 'hit in Redis',
      x: CLUSTER_NODES,
      measure: (bench) => measureOnCluster(bench, CLUSTER_NODES),
    },
  ],
  notes:
    'One redis-server without cluster mode, and a cluster of three masters; 100 entries on all of ' +
    'them are asked for in turn. All nodes share one core here: what counts is what the client ' +
    'of a cluster costs the application.',
};
