import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP request to the emulator, read to its end. */
export interface EntraRequest {
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
}

export interface EntraReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The error form of Entra: clients show `error_description`, and MSAL reads the codes. */
export function entraError(
  status: number,
  error: string,
  code: number,
  description: string,
): EntraReply {
  return {
    status,
    body: {
      error,
      error_description: `AADSTS${code}: ${description} Timestamp: ${new Date().toISOString()}`,
      error_codes: [code],
      timestamp: new Date().toISOString(),
    },
  };
}
