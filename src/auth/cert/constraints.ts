/** What the names and extensions of a certificate must be like for an entry to accept it. */
import type { Presented } from '../../crypto/x509/chain.ts';
import type { Stored } from '../../model/transaction.ts';
import type { CertEntry } from './certs.ts';

/** `*` stands for any text. Linear: each piece is searched once, from where the one before ended. */
export function globMatches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

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
