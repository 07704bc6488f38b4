import { constants, verify } from 'node:crypto';
import {
  FEDERATED_AUDIENCE,
  FEDERATED_ISSUER,
  FEDERATED_SUBJECT,
  type Application,
  type Directory,
} from './directory.js';
import { entraError, type EntraReply, type EntraRequest } from './entra-exchange.js';
import type { LocalGrant } from './local-entra.interface.js';
import { splitToken, type SigningKey } from './signing-key.js';

export type Authentication =
  | { readonly application: Application; readonly grant: LocalGrant }
  | { readonly refusal: EntraReply };

/** Who asks for a token, proved by secret, certificate or federated assertion. */
export function authenticateClient(
  request: EntraRequest,
  directory: Directory,
  key: SigningKey,
): Authentication {
  const clientId = request.form.get('client_id');
  const application = directory.applicationById(clientId);
  if (!application) {
    return refuse(
      400,
      'unauthorized_client',
      700016,
      `Application with identifier '${clientId ?? ''}' was not found in the directory.`,
    );
  }
  const secret = request.form.get('client_secret');
  const assertion = request.form.get('client_assertion');
  if (secret !== null) {
    return secret === application.clientSecret
      ? { application, grant: 'client-secret' }
      : refuse(401, 'invalid_client', 7000215, 'Invalid client secret provided.');
  }
  if (assertion === null) {
    return refuse(
      401,
      'invalid_client',
      7000218,
      "The request body must contain 'client_assertion' or 'client_secret'.",
    );
  }
  if (application !== directory.application) {
    return refuse(401, 'invalid_client', 700027, 'No key is registered for this application.');
  }
  const thumbprint = splitToken(assertion)?.header['x5t#S256'];
  return thumbprint === undefined
    ? byFederation(assertion, application, key)
    : byCertificate(assertion, application, directory, request.url);
}

function byCertificate(
  assertion: string,
  application: Application,
  directory: Directory,
  tokenUrl: URL,
): Authentication {
  const parts = splitToken(assertion);
  const certificate = directory.certificateByThumbprint(parts?.header['x5t#S256']);
  if (!parts || !certificate) {
    return refuse(401, 'invalid_client', 700027, 'The certificate is not registered.');
  }
  const isSigned = verify(
    'sha256',
    parts.signed,
    parts.header['alg'] === 'PS256'
      ? { key: certificate.publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : certificate.publicKey,
    parts.signature,
  );
  if (!isSigned) {
    return refuse(401, 'invalid_client', 700027, 'The signature of the assertion is wrong.');
  }
  const { iss, sub, aud, exp } = parts.claims;
  const isFor = `${tokenUrl.origin}${tokenUrl.pathname}`;
  if (iss !== application.clientId || sub !== application.clientId || aud !== isFor) {
    return refuse(401, 'invalid_client', 700023, 'The assertion is for another audience.');
  }
  return isPast(exp) ? expired() : { application, grant: 'client-certificate' };
}

function byFederation(
  assertion: string,
  application: Application,
  key: SigningKey,
): Authentication {
  const claims = key.verify(assertion);
  if (
    claims?.['iss'] !== FEDERATED_ISSUER ||
    claims['sub'] !== FEDERATED_SUBJECT ||
    claims['aud'] !== FEDERATED_AUDIENCE
  ) {
    return refuse(
      401,
      'invalid_client',
      700213,
      'No matching federated identity record found for the presented assertion.',
    );
  }
  return isPast(claims['exp']) ? expired() : { application, grant: 'federated-assertion' };
}

const isPast = (exp: unknown): boolean => typeof exp !== 'number' || exp * 1000 <= Date.now();

const expired = (): Authentication =>
  refuse(401, 'invalid_client', 700024, 'The assertion is not within its valid time range.');

const refuse = (...error: Parameters<typeof entraError>): Authentication => ({
  refusal: entraError(...error),
});
