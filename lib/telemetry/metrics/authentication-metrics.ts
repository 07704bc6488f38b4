import type { Meter } from '@opentelemetry/api';
import { errorType } from '../../client/error-type.js';
import type { DeferralReason } from '../../client/reauthenticator.js';
import { DEFERRAL_REASON, ERROR_TYPE, OWN } from '../attributes.js';
import { hear } from '../hear.js';

const DEFERRAL_REASONS: readonly DeferralReason[] = ['multi', 'blocked'];

/** Tokens, and how connections get them. What failed has an `error.type`. */
export function measureAuthentication(meter: Meter): readonly (() => void)[] {
  const requests = meter.createCounter(`${OWN}.token.requests`, {
    unit: '{request}',
    description: 'Requests for an Entra token.',
  });
  const reauthentications = meter.createCounter(`${OWN}.connection.reauthentications`, {
    unit: '{reauthentication}',
    description: 'Newer tokens sent on open connections.',
  });
  const deferrals = meter.createCounter(`${OWN}.connection.deferrals`, {
    unit: '{deferral}',
    description: 'Newer tokens that waited for the end of a transaction or a blocking command.',
  });
  const expirations = meter.createCounter(`${OWN}.connection.expirations`, {
    unit: '{connection}',
    description: 'Connections that Redis closed because their token ran out.',
  });
  // Whoever asks how fast they grow does not see a first step from nothing to 1.
  for (const counter of [requests, reauthentications, expirations]) counter.add(0);
  for (const reason of DEFERRAL_REASONS) deferrals.add(0, { [DEFERRAL_REASON]: reason });
  return [
    hear('refreshed', () => requests.add(1)),
    hear('refreshFailed', ({ error }) => requests.add(1, { [ERROR_TYPE]: error.code })),
    hear('reauthenticated', () => reauthentications.add(1)),
    hear('reauthenticationFailed', ({ error }) =>
      reauthentications.add(1, { [ERROR_TYPE]: errorType(error) }),
    ),
    hear('reauthenticationDeferred', ({ reason }) =>
      deferrals.add(1, { [DEFERRAL_REASON]: reason }),
    ),
    hear('connectionExpired', () => expirations.add(1)),
  ];
}
