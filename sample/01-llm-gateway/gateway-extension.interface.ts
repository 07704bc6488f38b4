import type { TokenCredential } from '@azure/identity';
import type { DynamicModule } from '@nestjs/common';
import type { LocalAzure } from 'nestjs-azure-redis/testing';

/** What an application adds to the gateway. */
export interface GatewayExtension {
  readonly modules: readonly DynamicModule[];
  /** Used for the local Azure instead of its own. */
  readonly credential?: TokenCredential | undefined;
  /** Lifetime of the local Azure's tokens once the rotation was shown. */
  readonly tokenLifetimeMs?: number;
  /** What to open in a browser, below the gateway's URL. */
  readonly page: string;
}

export interface ExtendedParts {
  readonly localAzure: LocalAzure | undefined;
  readonly model: string;
}
