import { expect, it } from 'vitest';
import { kindOfAddress } from '../../../../lib/cli/doctor/address-kind.js';

it.each([
  ['127.0.0.1', 'loopback'],
  ['::1', 'loopback'],
  ['10.0.0.4', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['fd00::1', 'private'],
  ['20.50.2.1', 'public'],
  ['2603:1020::1', 'public'],
])('%s is %s', (address, kind) => {
  expect(kindOfAddress(address)).toBe(kind);
});
