import { describe, expect, it } from 'vitest';
import {
  hasSamePart,
  readClusterNodes,
  slotsOf,
  type NodeView,
} from '../../../lib/testing/redis-server/cluster-view.js';

const id = (digit: string): string => digit.repeat(40);

const ANSWER = `${id('a')} 127.0.0.1:20001@31001,localhost myself,master - 0 0 1 connected 0-2 7 [8->-${id('b')}]
${id('b')} 127.0.0.1:20002@31002,,tls-port=0,shard-id=1 master - 0 1 2 connected 8-16383
${id('c')} 127.0.0.1:20003@31003 slave ${id('a')} 0 1 1 connected
${id('d')} 127.0.0.1:20004@31004 master,fail - 0 1 3 connected
${id('e')} 127.0.0.1:20005@31005 handshake - 0 1 0 connected
${id('f')} :0@0 master,noaddr - 0 0 4 disconnected
`;

const view = readClusterNodes(ANSWER);

function node(digit: string): NodeView {
  const found = view.get(id(digit));
  if (found) return found;
  throw new Error(`Expected a node ${digit}`);
}

describe('the answer to CLUSTER NODES', () => {
  it('tells who has which slots, without those on their way', () => {
    expect(slotsOf(node('a'))).toEqual([0, 1, 2, 7]);
    expect(slotsOf(node('b'))).toHaveLength(16_384 - 8);
    expect(slotsOf(node('c'))).toEqual([]);
  });

  it('tells who follows whom', () => {
    expect(node('c').masterId).toBe(id('a'));
    expect(node('a').masterId).toBeUndefined();
  });

  it('tells whom the node reaches: itself, and those it believes to be well', () => {
    const reachable = [...view.values()].filter(({ isReachable }) => isReachable);
    expect(reachable.map((each) => each.id)).toEqual([id('a'), id('b'), id('c')]);
  });
});

it('two views agree when role and slots do, whatever the state of the link', () => {
  expect(hasSamePart(node('a'), { ...node('a'), isReachable: false })).toBe(true);
  expect(hasSamePart(node('a'), { ...node('a'), slots: ['0-2'] })).toBe(false);
  expect(hasSamePart(node('c'), { ...node('c'), masterId: undefined })).toBe(false);
});
