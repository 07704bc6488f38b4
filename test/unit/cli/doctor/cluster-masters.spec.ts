import { expect, it } from 'vitest';
import { mastersIn } from '../../../../lib/cli/doctor/cluster-masters.js';

const options = { host: 'my-cache', redis: {} };

it('takes the master of each range once, and no replica', () => {
  const slots = [
    [0, 99, ['10.0.0.1', 8500, 'id-1'], ['10.0.0.9', 8509, 'replica']],
    [100, 199, ['10.0.0.2', 8501, 'id-2']],
    [200, 299, ['10.0.0.1', 8500, 'id-1']],
  ];
  expect(mastersIn(slots, options)).toEqual([
    { host: '10.0.0.1', port: 8500 },
    { host: '10.0.0.2', port: 8501 },
  ]);
});

it.each([[null], ['']])('a master without a name (%j) is where the answer comes from', (host) => {
  expect(mastersIn([[0, 1, [host, 8500]]], options)).toEqual([{ host: 'my-cache', port: 8500 }]);
});

it('goes where the NAT map of the options leads', () => {
  const natMap = { '10.0.0.1:8500': { host: 'outside', port: 1 } };
  const redis = { cluster: { natMap } };
  expect(mastersIn([[0, 1, ['10.0.0.1', 8500]]], { ...options, redis })).toEqual([
    { host: 'outside', port: 1 },
  ]);
});

it.each([[new Error('ERR')], ['OK'], [undefined], [[]], [[[0, 1]]]])(
  'finds none in %j',
  (answer) => {
    expect(mastersIn(answer, options)).toEqual([]);
  },
);
