import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EntraTokenManager } from '../../../lib/token/entra-token-manager.js';
import { logTokenState } from '../../../lib/token/log-token-state.js';
import { RecordingLogger } from '../../fixtures/recording-logger.js';
import {
  accessToken,
  jwt,
  OBJECT_ID,
  ScriptedCredential,
} from '../../fixtures/scripted-credential.js';

const MINUTE = 60_000;

let logger: RecordingLogger;
let manager: EntraTokenManager | undefined;
beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  logger = new RecordingLogger();
});
afterEach(() => {
  manager?.close();
  vi.useRealTimers();
});

function logged(credential: ScriptedCredential): EntraTokenManager {
  manager = new EntraTokenManager(credential, { scope: 's/.default', deadlineMs: 10_000 });
  logTokenState(manager, logger);
  manager.start();
  return manager;
}

describe('the log', () => {
  it('has one line when refreshing starts to fail and one when it works again', async () => {
    const credential = new ScriptedCredential(() => accessToken(60 * MINUTE));
    logged(credential);
    await vi.advanceTimersByTimeAsync(MINUTE);
    credential.answer = () => {
      throw new Error('AADSTS7000215: Invalid client secret provided.');
    };
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(logger.lines).toEqual([expect.stringMatching(/^warn .*refused the client secret/)]);
    credential.answer = () => accessToken(60 * MINUTE);
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect(logger.lines.slice(1)).toEqual(['log Entra issues tokens again.']);
  });

  it.each([
    ['behind', 10 * MINUTE],
    ['ahead', -10 * MINUTE],
  ])('warns once of a clock that runs %s', async (_which, serverIsAheadBy) => {
    logged(
      new ScriptedCredential(() => {
        const serverNow = Date.now() + serverIsAheadBy;
        const token = jwt({
          oid: OBJECT_ID,
          iat: serverNow / 1_000,
          exp: (serverNow + 60 * MINUTE) / 1_000,
          uti: Date.now(),
        });
        return { token, expiresOnTimestamp: Date.now() + 60 * MINUTE };
      }),
    );
    await vi.advanceTimersByTimeAsync(3 * 60 * MINUTE);
    expect(logger.lines).toEqual([expect.stringMatching(/^warn .*clock.*600 s.*Synchronize/)]);
  });
});
