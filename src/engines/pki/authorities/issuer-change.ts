/** Changes of an issuer’s settings: all of them at once, or those that a patch names. */
import { ALGORITHM_NAMES, findAlgorithm, keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import { keyUsageOf } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { KEY_USAGE } from '../../../crypto/x509/extensions.ts';
import { readPublicKey } from '../../../crypto/x509/keys.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Authorities } from './authorities.ts';
import { assertName } from './names.ts';
import { USAGES } from './records.ts';
import type { AiaUrls, IssuerRecord, LeafBehavior, Usage } from './records.ts';
import { usageText } from './signer.ts';
import { assertUrls, isWithoutUrls, NO_URLS, URL_LISTS } from './urls.ts';

/** What is not named stays. */
export interface IssuerChange {
  readonly issuer_name?: string | undefined;
  readonly leaf_not_after_behavior?: string | undefined;
  readonly usage?: readonly string[] | undefined;
  readonly manual_chain?: readonly string[] | undefined;
  readonly revocation_signature_algorithm?: string | undefined;
  readonly issuing_certificates?: readonly string[] | undefined;
  readonly crl_distribution_points?: readonly string[] | undefined;
  readonly delta_crl_distribution_points?: readonly string[] | undefined;
  readonly ocsp_servers?: readonly string[] | undefined;
  readonly enable_aia_url_templating?: boolean | undefined;
}

function newName(
  all: Authorities,
  issuer: IssuerRecord,
  given: string,
  mayBeEmpty: boolean,
): string {
  if (mayBeEmpty && given.trim() === '') return '';
  const name = assertName('issuer', given);
  const other = [...all.issuers.values()].find(
    (each) => each.id === name || (each.id !== issuer.id && each.name === name),
  );
  if (other !== undefined) throw invalidRequest('issuer name already in use');
  return name;
}

function leafBehavior(text: string): LeafBehavior {
  if (text === 'err' || text === 'truncate' || text === 'permit') return text;
  throw invalidRequest(
    'Unknown value for field `leaf_not_after_behavior`. Possible values are `err`, `truncate`, and `permit`.',
  );
}

function isUsage(name: string): name is Usage {
  return (USAGES as readonly string[]).includes(name);
}

function usages(
  issuer: IssuerRecord,
  certificate: Certificate,
  names: readonly string[],
): readonly Usage[] {
  const known = names.filter(isUsage);
  if (known.length !== names.length) {
    throw invalidRequest(
      `Unable to parse specified usages - valid values are ${usageText(USAGES)}`,
    );
  }
  const wanted = [...new Set(known)].filter((each) => each !== 'read-only').sort();
  const isChanged = usageText(wanted) !== usageText(issuer.usage);
  if (!isChanged) return issuer.usage;
  if (issuer.revokedMs !== undefined && wanted.includes('issuing-certificates')) {
    throw invalidRequest(
      'This issuer was revoked; unable to modify its usage to include certificate signing again. Reissue this certificate (preferably with a new key) and modify that entry instead.',
    );
  }
  const mayList = ((keyUsageOf(certificate) ?? 0) & KEY_USAGE.crlSign) !== 0;
  if (wanted.includes('crl-signing') && !mayList) {
    throw invalidRequest(
      "This issuer's underlying certificate lacks the CRLSign KeyUsage value; unable to set CRLSigningUsage on this issuer as a result.",
    );
  }
  return wanted;
}

function revocationAlgorithm(certificate: Certificate, text: string): string {
  if (text === '') return '';
  const algorithm = findAlgorithm(text);
  if (algorithm === undefined) {
    throw invalidRequest(
      `Unknown signature algorithm value - valid values are ${ALGORITHM_NAMES.join(', ')}`,
    );
  }
  const key = readPublicKey(certificate.publicKeyInfo);
  const type = key === undefined ? undefined : keyTypeOf(key);
  if (type === algorithm.keyType) return algorithm.name;
  throw invalidRequest(
    `unable to use issuer of type ${type ?? 'unknown'} to sign with ${algorithm.name} key type`,
  );
}

function urls(issuer: IssuerRecord, change: IssuerChange): AiaUrls | undefined {
  const before = issuer.aia ?? NO_URLS;
  const lists = URL_LISTS.map(([shown, stored]) => [stored, change[shown] ?? before[stored]]);
  const enableTemplating = change.enable_aia_url_templating ?? before.enableTemplating;
  const after: AiaUrls = {
    ...(Object.fromEntries(lists) as unknown as Omit<AiaUrls, 'enableTemplating'>),
    enableTemplating,
  };
  if (!enableTemplating) {
    for (const [shown, stored] of URL_LISTS) assertUrls(shown, after[stored]);
  }
  return isWithoutUrls(after) ? undefined : after;
}

function manualChain(
  all: Authorities,
  issuer: IssuerRecord,
  references: readonly string[],
): readonly string[] {
  return references.map((reference, index) => {
    if (index > 0) return all.issuer(reference).id;
    const { id } = reference === 'self' ? issuer : all.issuer(reference);
    if (id === issuer.id) return id;
    throw invalidRequest('expected first cert in chain to be a self-reference');
  });
}

/** Puts the changed issuer among `all`. @throws {RequestError} */
export function changeIssuer(
  all: Authorities,
  issuer: IssuerRecord,
  change: IssuerChange,
  options: { readonly nowMs: number; readonly isPatch: boolean },
): IssuerRecord {
  const certificate = all.certificate(issuer.id);
  const name =
    change.issuer_name === undefined
      ? issuer.name
      : newName(all, issuer, change.issuer_name, options.isPatch);
  const { aia: _before, ...rest } = issuer;
  const aia = urls(issuer, change);
  const changed: IssuerRecord = {
    ...rest,
    ...(aia === undefined ? {} : { aia }),
    name,
    leafBehavior:
      change.leaf_not_after_behavior === undefined
        ? issuer.leafBehavior
        : leafBehavior(change.leaf_not_after_behavior),
    usage: change.usage === undefined ? issuer.usage : usages(issuer, certificate, change.usage),
    revocationAlgorithm:
      change.revocation_signature_algorithm === undefined
        ? issuer.revocationAlgorithm
        : revocationAlgorithm(certificate, change.revocation_signature_algorithm),
    manualChain:
      change.manual_chain === undefined
        ? issuer.manualChain
        : manualChain(all, issuer, change.manual_chain),
    lastModifiedMs: name === issuer.name ? issuer.lastModifiedMs : options.nowMs,
  };
  all.put(changed);
  all.rebuildChains();
  return all.issuers.get(issuer.id) ?? changed;
}
