import { setTimeout as sleep } from 'node:timers/promises';
import type { AzureRedisClient } from 'nestjs-azure-redis';
import type { LocalAzure } from 'nestjs-azure-redis/testing';

/**
 * Uses one connection past the expiry of the token it signed in with; returns lines that show
 * whether it got a new token in time and stayed open.
 */
export async function tokenRotation(redis: AzureRedisClient, azure: LocalAzure): Promise<string[]> {
  const before = await snapshot(redis, azure);
  const giveUpAt = before.expiresAt + 10_000;
  let now = before;
  do {
    await sleep(100);
    now = await snapshot(redis, azure);
  } while ((Date.now() <= before.expiresAt || now.auths === before.auths) && Date.now() < giveUpAt);
  const stayed = now.connectionId === before.connectionId && now.auths > before.auths;
  return [
    line('before', before),
    line('after ', now),
    `  ${stayed ? 'same connection, re-authenticated in time' : 'THE CONNECTION WAS REPLACED'}`,
  ];
}

interface Snapshot {
  readonly connectionId: number;
  readonly expiresAt: number;
  readonly auths: number;
  readonly expired: number;
}

async function snapshot(redis: AzureRedisClient, azure: LocalAzure): Promise<Snapshot> {
  return {
    connectionId: await redis.client('ID'),
    expiresAt: azure.entra.issued.at(-1)?.expiresAt ?? 0,
    auths: azure.redis.auths,
    expired: azure.redis.expired,
  };
}

function line(name: string, { connectionId, expiresAt, auths, expired }: Snapshot): string {
  const until = new Date(expiresAt).toLocaleTimeString('en-GB');
  return `  ${name}   CLIENT ID ${connectionId}   token until ${until}   auths ${auths}   expired ${expired}`;
}
