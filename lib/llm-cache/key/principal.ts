import { hash } from 'node:crypto';
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
 * Whoever sent the request, by the credentials it sent: a digest, never the credentials. All
 * callers without credentials are one principal.
 *
 * Every instance must find the same principal without sharing a secret, so there is none in it.
 * What is digested with the credentials separates domains: the digest differs between namespaces
 * and from a plain digest of the same credential that some other system may keep.
 */
export function credentialPrincipal(headers: IncomingHttpHeaders, namespace: string): string {
  const credentials = CREDENTIAL_HEADERS.flatMap((name) => {
    const value = headers[name];
    return value === undefined || value === '' ? [] : [[name, value]];
  });
  if (credentials.length === 0) return 'anonymous';
  const domain = 'nestjs-azure-redis llm-cache principal v2';
  const digest = hash('sha256', JSON.stringify([domain, namespace, credentials]), 'base64url');
  return `credentials:${digest}`;
}
