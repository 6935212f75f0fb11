/** The address that a namespace, or a provider in it, gives itself in its tokens. */
import { invalidRequest } from '../../model/errors.ts';

export const ISSUER_WARNING =
  'If "issuer" is set explicitly, all tokens must be validated against that address, including those issued by secondary clusters. Setting issuer to "" will restore the default behavior of using the cluster\'s api_addr as the issuer.';

/** Scheme, host and port, nothing else (OpenID Connect Core 1.0 §2, `iss`); '' stands for the api address. @throws {RequestError} */
export function checkIssuer(text: string): void {
  if (text === '') return;
  const url = URL.parse(text);
  const plain =
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.origin === text.toLowerCase();
  if (plain) return;
  throw invalidRequest(
    'invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)',
  );
}
