import type { LocalAzure } from 'nestjs-azure-redis/testing';
import { duplicateOf } from '../../fixtures/connection.js';
import { eventually } from '../../fixtures/eventually.js';
import { startObservedApp, type ObservedApp } from './observed-app.js';
import { ofThisPackage, readScrape, sumOf, type Sample } from './scrape.js';

export const PROMPT = 'What is the secret of the cellar?';
const OWN = 'nestjs_azure_redis';

/** An application to which everything happens that is measured, and what it says of that. */
export async function eventfulLife(azure: LocalAzure): Promise<string> {
  await using app = await startObservedApp(azure);
  const scraped = async (): Promise<readonly Sample[]> =>
    ofThisPackage(readScrape(await app.scrape()));
  const counts = (name: string, labels?: Readonly<Record<string, string>>): Promise<void> =>
    eventually(`${name} ${JSON.stringify(labels ?? {})}`, async () => {
      return sumOf(await scraped(), `${OWN}_${name}`, labels) > 0;
    });

  for (const path of ['v1', 'stale', 'shadow', 'bypassed']) {
    await app.ask(path, PROMPT);
    await app.connection.client.ping();
    await app.ask(path, PROMPT);
  }
  await shareAnAnswer(app);

  azure.redis.failCommands("OOM command not allowed when used memory > 'maxmemory'.", 1);
  await app.ask('v1', 'refused by Redis');

  const open = duplicateOf(app.connection.client);
  await open.multi({ pipeline: false });
  await counts('connection_deferrals_total');
  await open.exec();
  open.disconnect();
  await counts('connection_reauthentications_total', { error_type: '' });
  azure.redis.rejectAuth(1);
  await counts('connection_reauthentications_total', { error_type: 'WRONGPASS' });

  azure.entra.disconnect();
  await counts('token_requests_total', { error_type: 'TOKEN_UNAVAILABLE' });
  await eventually('Redis is gone', () => app.connection.client.status !== 'ready');
  await app.ask('v1', 'not sent to Redis');
  await counts('store_skipped_operations_total');
  azure.entra.recover();
  await eventually('Redis is ready', () => app.connection.client.status === 'ready', 20_000);
  return await app.scrape();
}

/** The second request comes while the answer to the first one is under way. */
async function shareAnAnswer({ model, cache, ask }: ObservedApp): Promise<void> {
  let open = (): void => undefined;
  model.gate = new Promise((resolve) => (open = resolve));
  const asked = [ask('stream', PROMPT), ask('stream', PROMPT)];
  await eventually('one follows the other', () => cache.stats.collapsed === 1);
  open();
  await Promise.all(asked);
}
