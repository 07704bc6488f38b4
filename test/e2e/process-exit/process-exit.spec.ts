import { startLocalAzure } from 'nestjs-azure-redis/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../fixtures/eventually.js';
import { runScript } from '../../fixtures/run-script.js';

const application = new URL('application.ts', import.meta.url);

describe('an application with nothing but the environment', { timeout: 60_000 }, () => {
  it.each(['standalone', 'cluster'] as const)(
    'uses Redis (%s) and ends by itself after app.close()',
    async (topology) => {
      const azure = await startLocalAzure({ topology });
      onTestFinished(() => azure.stop());
      const env = { ...azure.environment, USE_REDIS: 'true', REDIS_TOPOLOGY: topology };
      const result = await runScript(application, { env });
      expect(result).toEqual({ exitCode: 0, signal: null, stdout: 'OK\nclosed\n', stderr: '' });
      expect(azure.redis.rejected).toBe(0);
    },
  );

  it('ends by itself when Entra hangs, as soon as the request of the SDK is over', async () => {
    const azure = await startLocalAzure();
    onTestFinished(() => azure.stop());
    azure.entra.hang();
    // @azure/identity does not honour abort signals: its open request holds the process.
    const running = runScript(application, { env: { ...azure.environment } });
    await eventually('Entra was asked', () => azure.entra.requests > 0, 30_000);
    await azure.stop();
    await expect(running).resolves.toMatchObject({ exitCode: 0, signal: null, stdout: 'closed\n' });
  });

  it('ends by itself while Redis refuses connections', async () => {
    const azure = await startLocalAzure();
    onTestFinished(() => azure.stop());
    azure.redis.refuse();
    const result = await runScript(application, { env: { ...azure.environment } });
    expect(result).toMatchObject({
      exitCode: 0,
      signal: null,
      stdout: expect.stringMatching(/closed\n$/),
    });
  });
});
