import type { LocalAzure } from 'nestjs-azure-redis/testing';
import type { RotatableCredential } from './rotatable-credential.js';

/** What the fault buttons act on. */
export interface FaultTarget {
  readonly azure: LocalAzure;
  readonly credential: RotatableCredential;
}

/** Injection token of the {@link FaultTarget}; undefined with a real Azure. */
export const FAULT_TARGET = 'FAULT_TARGET';
