import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** The first bytes of a replica, in the clear; a client would begin with TLS. */
const GREETING = Buffer.from('*1\r\n$4\r\nPING\r\n');

export const isReplicaGreeting = (bytes: Buffer): boolean => bytes.equals(GREETING);

/**
 * Lets a replica through to its master, which it looks for where clients find it: at the front
 * door. Redis itself asks it for the password that only replicas have.
 */
export function connectReplica(replica: Socket, masterAddress: NetConnectOpts): void {
  const master = connect(masterAddress);
  const endBoth = (): void => {
    replica.destroy();
    master.destroy();
  };
  pipeline(replica, master, endBoth);
  pipeline(master, replica, endBoth);
}
