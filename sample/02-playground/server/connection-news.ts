import type { AzureRedisConnection } from 'nestjs-azure-redis';

/** One thing that happened, for the log of the page; `code` tells why, never a token or a key. */
export interface News {
  readonly kind: (typeof KINDS)[number] | 'connectionLost' | 'connected';
  readonly code?: string;
}

const KINDS = [
  'refreshed',
  'refreshFailed',
  'reauthenticated',
  'reauthenticationFailed',
  'connectionExpired',
] as const;

/** Tells what happens to a connection and its token; returns how to stop. */
export function hearConnection(
  connection: AzureRedisConnection,
  tell: (news: News) => void,
): () => void {
  const ends = KINDS.map((kind) => {
    const listener = (detail: object): void => tell({ kind, ...codeOf(detail) });
    connection.on(kind, listener);
    return (): unknown => connection.off(kind, listener);
  });
  const { client } = connection;
  const lost = (): void => tell({ kind: 'connectionLost' });
  const connected = (): void => tell({ kind: 'connected' });
  client.on('close', lost).on('ready', connected);
  return () => {
    for (const end of ends) end();
    client.off('close', lost).off('ready', connected);
  };
}

function codeOf(detail: object): { readonly code?: string } {
  const error: unknown = 'error' in detail ? detail.error : undefined;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? { code } : {};
}
