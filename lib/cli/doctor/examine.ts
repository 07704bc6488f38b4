import { lookup } from 'node:dns/promises';
import { both, Examination } from './examination.js';
import type { StepReport } from './step.js';
import { checkAuth } from './steps/auth.js';
import { checkConfiguration, type OptionSource } from './steps/configuration.js';
import { checkCredential } from './steps/credential.js';
import { checkDns, type Resolve } from './steps/dns.js';
import { checkReauth } from './steps/reauth.js';
import { checkRole } from './steps/role.js';
import { checkRoundTrip } from './steps/round-trip.js';
import { checkTcp } from './steps/tcp.js';
import { checkTls } from './steps/tls.js';
import { checkToken } from './steps/token.js';
import { checkTopology } from './steps/topology.js';

export interface ExamineOptions {
  /** Told each step as it finishes. */
  readonly onStep?: (report: StepReport) => void;
  /** @default DNS, as sockets use it */
  readonly resolve?: Resolve;
}

/** All steps, in their order; each has deadlines, and nothing stays open. */
export async function examine(
  source: OptionSource,
  {
    onStep = () => undefined,
    resolve = (host) => lookup(host, { all: true }),
  }: ExamineOptions = {},
): Promise<readonly StepReport[]> {
  const examination = new Examination(onStep);
  const opened: (() => void)[] = [];
  const onClose = (close: () => void): void => void opened.push(close);
  const start = { step: 'configuration', value: source } as const;
  try {
    const options = await examination.step('configuration', start, checkConfiguration);
    const addresses = await examination.step('DNS', options, (own) => checkDns(own, resolve));
    const address = await examination.step('TCP', both(options, addresses), (own) =>
      checkTcp(...own),
    );
    const secured = await examination.step('TLS', both(options, address), (own) =>
      checkTls(...own),
    );
    const credential = await examination.step('credential', options, checkCredential);
    const tokens = await examination.step('token', both(options, credential), (own) =>
      checkToken(...own, onClose),
    );
    const ready = both(secured, both(options, tokens));
    const session = await examination.step('AUTH', ready, ([, own]) => checkAuth(...own, onClose));
    const client = await examination.step('topology', session, checkTopology);
    await examination.step('role', both(client, session), (own) => checkRole(...own));
    await examination.step('re-AUTH', session, checkReauth);
    await examination.step('round-trip time', session, checkRoundTrip);
    return examination.reports;
  } finally {
    for (const close of opened) close();
  }
}
