/** Whether a certificate that a caller presents leads to one that is trusted (RFC 5280 §6). */
import type { X509Certificate } from 'node:crypto';

export interface Presented {
  readonly der: Buffer;
  readonly native: X509Certificate;
  readonly commonName: string;
  readonly organizationalUnits: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
  /** Decimal. */
  readonly serialNumber: string;
  /** Hex. */
  readonly subjectKeyId: string;
  readonly authorityKeyId: string;
  readonly issuer: string;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  /** Undefined without the extension: any use. */
  readonly extendedUsages: readonly string[] | undefined;
  /** By object identifier; the value as text where it is a DER string, else ''. */
  readonly extensions: ReadonlyMap<string, string>;
  /** Has a critical extension that is not understood (RFC 5280 §4.2). */
  readonly hasUnknownCritical: boolean;
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const ANY_USAGE = '2.5.29.37.0';
/** Certificates between the caller's and the trusted one, both included. */
const CHAIN_MAX = 8;
export function allowsClientAuth(certificate: Presented): boolean {
  const { extendedUsages } = certificate;
  return (
    extendedUsages === undefined ||
    extendedUsages.includes(CLIENT_AUTH) ||
    extendedUsages.includes(ANY_USAGE)
  );
}

export function isValidAt(certificate: Presented, nowMs: number): boolean {
  const { validFromDate, validToDate } = certificate.native;
  return nowMs >= validFromDate.getTime() && nowMs <= validToDate.getTime();
}

function isIssuedBy(child: Presented, issuer: Presented): boolean {
  return child.native.checkIssued(issuer.native) && child.native.verify(issuer.native.publicKey);
}

/**
 * The certificates from the leaf to a trusted one, both included, by signatures and authority alone: times and uses are the
 * caller's to judge. Undefined when there is no way.
 */
export function chainTo(
  leaf: Presented,
  between: readonly Presented[],
  trusted: readonly Presented[],
): readonly Presented[] | undefined {
  let chains: (readonly Presented[])[] = [[leaf]];
  for (let depth = 1; depth < CHAIN_MAX && chains.length > 0; depth++) {
    const longer: (readonly Presented[])[] = [];
    for (const chain of chains) {
      const last = chain.at(-1);
      if (last === undefined) continue;
      const anchor = trusted.find((each) => mayIssue(each, depth) && isIssuedBy(last, each));
      if (anchor !== undefined) return [...chain, anchor];
      for (const each of between) {
        if (!chain.includes(each) && mayIssue(each, depth) && isIssuedBy(last, each))
          longer.push([...chain, each]);
      }
    }
    chains = longer.slice(0, CHAIN_MAX);
  }
  return undefined;
}

/** `below` certificates lie below it, the leaf among them, which does not count (RFC 5280 §4.2.1.9). */
function mayIssue(certificate: Presented, below: number): boolean {
  if (!certificate.isCa || certificate.hasUnknownCritical) return false;
  return certificate.pathLength === undefined || below - 1 <= certificate.pathLength;
}
