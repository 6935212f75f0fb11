/**
 * The endpoint of a managed identity as App Service has it: `IDENTITY_ENDPOINT` names it, `IDENTITY_HEADER` is the credential.
 * The one of virtual machines (IMDS) carries no credential at all, so that it would give a token to anybody: there is none here.
 */
import type { Evidence } from '../../../model/evidence.ts';
import type { WireRequest } from '../../facade.ts';
import { AzureError } from '../wire/errors.ts';

const HEADER = 'x-identity-header';
const FIELD_LENGTH_MAX = 4096;

/** `/msi/token`: what `IDENTITY_ENDPOINT` is set to. */
export function isManagedIdentity(method: string, segments: readonly string[]): boolean {
  return method === 'GET' && segments.join('/').toLowerCase() === 'msi/token';
}

/** @throws {AzureError} */
export function identityEvidence(
  headers: WireRequest['headers'],
  query: ReadonlyMap<string, string>,
): Evidence {
  const secret = headers[HEADER];
  if (typeof secret !== 'string' || secret === '' || secret.length > FIELD_LENGTH_MAX) {
    throw new AzureError(401, 'unauthorized_client', 'The header X-IDENTITY-HEADER is missing.');
  }
  if ((query.get('resource') ?? '') === '') {
    throw new AzureError(400, 'invalid_request', 'The parameter resource is missing.');
  }
  return { kind: 'client-secret', client: query.get('client_id') ?? '', secret };
}
