import { StartError } from '../start.error.js';

/** Where the gateway sends what it has no answer for. */
export interface UpstreamTarget {
  /** For people, e.g. `local model server`; never contains the key. */
  readonly description: string;
  /** Up to and with `/v1`, no slash at the end. */
  readonly baseUrl: string;
  /** `passwordless` signs in with the credential of the Redis connection. */
  readonly authorization: 'none' | 'passwordless' | { readonly apiKey: string };
}

/** Injection token of the {@link UpstreamTarget}. */
export const UPSTREAM_TARGET = 'UPSTREAM_TARGET';

/**
 * The model API named by the environment: `OPENAI_BASE_URL` (with `OPENAI_API_KEY`, if it wants
 * one), or `AZURE_OPENAI_ENDPOINT`.
 *
 * @returns undefined when neither is set
 * @throws StartError when one is set to something that is not an http or https URL
 */
export function upstreamFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): UpstreamTarget | undefined {
  const { OPENAI_BASE_URL, OPENAI_API_KEY, AZURE_OPENAI_ENDPOINT } = env;
  if (OPENAI_BASE_URL) {
    const url = parseUrl('OPENAI_BASE_URL', OPENAI_BASE_URL);
    return {
      description: `${url.host} (OPENAI_BASE_URL)`,
      baseUrl: withoutEndSlash(url),
      authorization: OPENAI_API_KEY ? { apiKey: OPENAI_API_KEY } : 'none',
    };
  }
  if (AZURE_OPENAI_ENDPOINT) {
    const url = parseUrl('AZURE_OPENAI_ENDPOINT', AZURE_OPENAI_ENDPOINT);
    return {
      description: `${url.host} (Azure OpenAI, passwordless)`,
      baseUrl: `${withoutEndSlash(url).replace(/\/openai(\/v1)?$/, '')}/openai/v1`,
      authorization: 'passwordless',
    };
  }
  return undefined;
}

function parseUrl(variable: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new StartError(`${variable} must be a URL such as https://example.com/v1.`);
  }
  return url;
}

function withoutEndSlash(url: URL): string {
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
