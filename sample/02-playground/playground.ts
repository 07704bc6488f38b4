import type {
  ExtendedParts,
  GatewayExtension,
} from '../01-llm-gateway/gateway-extension.interface.js';
import { RotatableCredential } from './faults/rotatable-credential.js';
import { PlaygroundModule } from './playground.module.js';

/** Short enough to watch the clock run down, long enough to read what happens. */
const TOKEN_LIFETIME_MS = 60_000;

/** The page on the gateway, with faults to switch on where the Azure behind it is a local one. */
export function playground({ localAzure, model }: ExtendedParts): GatewayExtension {
  const credential = localAzure && new RotatableCredential(localAzure.credential);
  const faults = localAzure && credential && { azure: localAzure, credential };
  return {
    modules: [PlaygroundModule.register({ model, faults })],
    credential,
    tokenLifetimeMs: TOKEN_LIFETIME_MS,
    page: '/',
  };
}
