/**
 * Which issuer certifies which, and the chain that each one’s leaves are sent with: the issuer, then its parents’ chains, roots
 * before cross-signed certificates, nothing twice (RFC 8446 §4.4.2 wants each to certify the one before where it can).
 */
import { isSelfIssued, isSignedBy } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';

export interface ChainLink {
  readonly id: string;
  readonly certificate: Certificate;
  /** Set by a user; replaces what would be found. */
  readonly manualChain: readonly string[];
}

/** Parents by child, in the order in which chains are built from them. */
function parentsOf(links: readonly ChainLink[]): ReadonlyMap<string, readonly ChainLink[]> {
  const bySubject = new Map<string, ChainLink[]>();
  for (const link of links) {
    const subject = link.certificate.subject.toString('latin1');
    const same = bySubject.get(subject);
    if (same === undefined) bySubject.set(subject, [link]);
    else same.push(link);
  }
  return new Map(
    links.map((child) => {
      const candidates = bySubject.get(child.certificate.issuer.toString('latin1')) ?? [];
      const parents = candidates.filter(
        (each) => each.id !== child.id && isSignedBy(child.certificate, each.certificate),
      );
      const roots = parents.filter((each) => isSelfIssued(each.certificate));
      const others = parents.filter((each) => !isSelfIssued(each.certificate));
      return [child.id, [...roots, ...others]];
    }),
  );
}

/** The chain of each issuer, by id. Same issuers, same chains, in whatever order they come. */
export function buildChains(links: readonly ChainLink[]): ReadonlyMap<string, readonly string[]> {
  const sorted = [...links].sort((a, b) => (a.id > b.id ? -1 : 1));
  const known = new Set(sorted.map((each) => each.id));
  const parents = parentsOf(sorted);
  const chains = new Map<string, readonly string[]>();
  for (const link of sorted) {
    if (link.manualChain.length === 0) continue;
    chains.set(
      link.id,
      link.manualChain.filter((id) => known.has(id)),
    );
  }
  for (const link of sorted) chainOf(link, parents, chains, new Set());
  return chains;
}

/** Depth first; a certificate that is being worked on (cross-signed in a circle) contributes itself alone. */
function chainOf(
  link: ChainLink,
  parents: ReadonlyMap<string, readonly ChainLink[]>,
  chains: Map<string, readonly string[]>,
  above: ReadonlySet<string>,
): readonly string[] {
  const done = chains.get(link.id);
  if (done !== undefined) return done;
  const chain = new Set([link.id]);
  const path = new Set([...above, link.id]);
  let inCircle = false;
  for (const parent of parents.get(link.id) ?? []) {
    if (path.has(parent.id)) {
      chain.add(parent.id);
      inCircle = true;
      continue;
    }
    for (const id of chainOf(parent, parents, chains, path)) chain.add(id);
  }
  const result = [...chain];
  // What was cut short by the circle is not this issuer's own chain when it is asked for from elsewhere.
  if (!inCircle || above.size === 0) chains.set(link.id, result);
  return result;
}
