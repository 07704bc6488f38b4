import { startLocalAzure } from 'nestjs-azure-redis/testing';
import { expect, inject, it, onTestFinished } from 'vitest';
import { open } from '../../fixtures/connection.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of the ioredis that the vitest project runs lib on. */
    ioredisMajor: 5 | 6;
  }
}

it('speaks RESP3 through ioredis 6 and RESP2 through ioredis 5', async () => {
  const azure = await startLocalAzure();
  onTestFinished(() => azure.stop());
  const { client } = open(azure);
  const protocol = inject('ioredisMajor') === 6 ? 3 : 2;
  expect(await client.call('CLIENT', 'INFO')).toContain(` resp=${protocol}`);
});
