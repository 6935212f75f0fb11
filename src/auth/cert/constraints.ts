/** What the names and extensions of a certificate must be like for an entry to accept it. */
import { globMatches } from '../../base/glob.ts';
import type { Presented } from '../../crypto/x509/chain.ts';
import type { Stored } from '../../model/transaction.ts';
import type { CertEntry } from './certs.ts';

/** No patterns: anything goes. Else one of them must match one of the names. */
function anyMatches(patterns: readonly string[] | null, names: readonly string[]): boolean {
  if (patterns === null || patterns.length === 0) return true;
  return patterns.some((pattern) => names.some((name) => globMatches(pattern, name)));
}

function extensionHolds(required: string, leaf: Presented): boolean {
  const colon = required.indexOf(':');
  const value = leaf.extensions.get(required.slice(0, colon));
  return value !== undefined && globMatches(required.slice(colon + 1), value);
}

export function constraintsHold(leaf: Presented, entry: Stored<CertEntry>): boolean {
  const commonNames = leaf.commonName === '' ? [] : [leaf.commonName];
  return (
    anyMatches(entry.allowed_names, [...commonNames, ...leaf.dnsNames, ...leaf.emails]) &&
    anyMatches(entry.allowed_common_names, commonNames) &&
    anyMatches(entry.allowed_dns_sans, leaf.dnsNames) &&
    anyMatches(entry.allowed_email_sans, leaf.emails) &&
    anyMatches(entry.allowed_uri_sans, leaf.uris) &&
    anyMatches(entry.allowed_organizational_units, leaf.organizationalUnits) &&
    (entry.required_extensions ?? []).every((required) => extensionHolds(required, leaf))
  );
}
