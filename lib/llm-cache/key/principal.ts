import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Of clients, of Azure API Management and Functions, and what App Service says of who signed in. */
const CREDENTIAL_HEADERS = [
  'authorization',
  'proxy-authorization',
  'api-key',
  'x-api-key',
  'x-goog-api-key',
  'ocp-apim-subscription-key',
  'x-functions-key',
  'x-zumo-auth',
  'x-ms-client-principal-id',
  'cookie',
] as const;

/**
 * Whoever sent the request, by the credentials it sent: a keyed hash, never the credentials.
 * All callers without credentials are one principal.
 *
 * Every instance must find the same principal without sharing a secret, so the key of the hash
 * is derived from public values. It separates domains: the digest differs between namespaces
 * and from a plain digest of the same credential that some other system may keep.
 */
export function credentialPrincipal(headers: IncomingHttpHeaders, namespace: string): string {
  const credentials = CREDENTIAL_HEADERS.flatMap((name) => {
    const value = headers[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  if (credentials.length === 0) return 'anonymous';
  const key = createHmac('sha256', 'nestjs-azure-redis llm-cache principal v1')
    .update(namespace)
    .digest();
  const digest = createHmac('sha256', key).update(JSON.stringify(credentials)).digest('base64url');
  return `credentials:${digest}`;
}
