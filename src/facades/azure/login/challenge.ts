/**
 * What an Azure client is told before it has a token: whom to ask for one, and for which resource. Clients demand that the
 * resource's host is a parent domain of the vault's, port included, so that no stranger can have a token of ours.
 */
import type { WireReply } from '../../facade.ts';
import { AzureError, errorReply } from '../wire/errors.ts';

/** This tenant makes Microsoft's libraries ask nobody but the authority that they were given. */
export const TENANT = 'adfs';

/** `host:port` behind the vault's own label; a host without a dot is its own domain. */
export function domainOf(host: string): string {
  const dot = host.indexOf('.');
  return dot < 0 || /^[\d.:[\]]+$/.test(host) ? host : host.slice(dot + 1);
}

function challenge(host: string): string {
  const domain = domainOf(host);
  return `Bearer authorization="https://${domain}/${TENANT}", resource="https://${domain}"`;
}

/** No token was sent. */
export function missingToken(host: string): WireReply {
  return errorReply(
    new AzureError(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.', {
      headers: { 'WWW-Authenticate': challenge(host) },
    }),
  );
}

/** The token that was sent is none of ours, or has ended: the client gets itself another. */
export function unknownToken(host: string): WireReply {
  return errorReply(
    new AzureError(401, 'Unauthorized', 'AKV10032: The token is not valid or has expired.', {
      headers: { 'WWW-Authenticate': `${challenge(host)}, error="invalid_token"` },
    }),
  );
}
