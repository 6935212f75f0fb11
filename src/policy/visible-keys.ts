/** Filters a listing by what the caller may see: the other half of `list_scan_response_keys_filter_path`. */
import type { Acl } from './acl.ts';
import { compileKeysFilter } from './keys-filter.ts';

export interface Listing {
  /** {@link Decision.responseKeysFilterPath} of the decision that allowed the listing. */
  readonly filterPath: string;
  /** Of the listing's namespace: `''` or `a/b/`. */
  readonly namespacePath: string;
  /** Listed path below the namespace, ending in '/'. */
  readonly path: string;
  readonly keys: readonly string[];
  readonly nowMs: number;
  /** Whether a path below the namespace demands `sudo`. */
  readonly needsSudo: (path: string) => boolean;
}

/**
 * The keys that the caller may read (folders: list), in their order. Parameters and wrapping are not considered: a rule that
 * demands them hides its keys.
 */
export function visibleKeys(acl: Acl, listing: Listing): readonly string[] {
  const filter = compileKeysFilter(listing.filterPath);
  return listing.keys.filter((key) => {
    const path = filter.pathFor(listing.path, key);
    const decision = acl.decide({
      operation: key.endsWith('/') ? 'list' : 'read',
      path: listing.namespacePath + path,
      nowMs: listing.nowMs,
    });
    return decision.allowed && (decision.sudo || !listing.needsSudo(path));
  });
}
