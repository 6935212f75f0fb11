/** Cert: callers who prove with TLS that they hold the key of a certificate that is trusted here. */
import { createHash } from 'node:crypto';
import { allowsClientAuth, chainTo, isValidAt } from '../../crypto/x509/chain.ts';
import type { Presented } from '../../crypto/x509/chain.ts';
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Connection, Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import { checkAddress, grantOf, renewalOf, samePolicies } from '../token-fields.ts';
import { CERTS, certEntries, respondersOf, trustedOf } from './certs.ts';
import type { CertEntry } from './certs.ts';
import { reading } from './reading.ts';
import { constraintsHold } from './constraints.ts';
import { RevocationLists, configOf, crlPaths } from './crls.ts';
import type { CrlPorts } from './crls.ts';
import { OcspChecks } from './ocsp.ts';
import type { Reply } from '../../model/reply.ts';

/** Entries that a login without a name tries. */
const ENTRIES_TRIED_MAX = 1000;
/** Certificates of a caller that are looked at. */
const PRESENTED_MAX = 8;

const REFUSAL = 'invalid certificate or no client certificate supplied';

function refused(detail: string): RequestError {
  return invalidRequest(REFUSAL, { detail });
}

async function presentedBy(connection: Connection): Promise<readonly [Presented, ...Presented[]]> {
  const { readPresented } = await reading();
  const [leaf, ...between] = connection.clientCertificates
    .slice(0, PRESENTED_MAX)
    .map(readPresented)
    .filter((each) => each !== undefined);
  if (leaf === undefined) throw invalidRequest('client certificate must be supplied');
  return [leaf, ...between];
}

/**
 * The certificates from the caller's to one that an entry trusts. A certificate that is no authority is trusted as a whole,
 * never for its name or number (CVE-2024-2048).
 */
async function wayTo(
  [leaf, ...between]: readonly [Presented, ...Presented[]],
  entry: Stored<CertEntry>,
): Promise<readonly Presented[] | undefined> {
  const trusted = await trustedOf(entry);
  if (trusted.some((each) => !each.isCa && each.der.equals(leaf.der))) return [leaf];
  const authorities = trusted.filter((each) => each.isCa);
  return authorities.length === 0 ? undefined : chainTo(leaf, between, authorities);
}

export interface CertPorts extends CrlPorts {
  readonly random: Random;
}

/** What says whether a certificate is revoked. */
interface Revocation {
  readonly lists: RevocationLists;
  readonly ocsp: OcspChecks;
}

interface Match {
  readonly name: string;
  readonly entry: Stored<CertEntry>;
  readonly leaf: Presented;
}

/** The first entry that accepts the caller. @throws {RequestError} */
async function matching(
  connection: Connection,
  store: Reader,
  wanted: string,
  { revocation, nowMs }: { readonly revocation: Revocation; readonly nowMs: number },
): Promise<Match> {
  const presented = await presentedBy(connection);
  const [leaf] = presented;
  const names =
    wanted === '' ? await namesBelow(store, CERTS, { limit: ENTRIES_TRIED_MAX }) : [wanted];
  let reason = refused('no entry trusts the certificate');
  for (const name of names) {
    const entry = await certEntries.find(store, name);
    const chain = entry === undefined ? undefined : await wayTo(presented, entry);
    if (entry === undefined || chain === undefined) continue;
    const fault = await faultOf(chain, entry, store, { revocation, nowMs });
    if (fault === undefined) return { name, entry, leaf };
    reason = fault;
  }
  throw reason;
}

async function faultOf(
  chain: readonly Presented[],
  entry: Stored<CertEntry>,
  store: Reader,
  { revocation, nowMs }: { readonly revocation: Revocation; readonly nowMs: number },
): Promise<RequestError | undefined> {
  const [leaf] = chain;
  if (leaf === undefined) return refused('no certificate');
  const unfit = (detail: string): RequestError =>
    invalidRequest("failed to verify client's certificate", { vaultStatus: 500, detail });
  if (chain.some((each) => !isValidAt(each, nowMs))) return unfit('out of its time');
  if (leaf.hasUnknownCritical) return unfit('a critical extension is not understood');
  if (!chain.every(allowsClientAuth)) return unfit('not made for clients');
  if (!constraintsHold(leaf, entry)) return refused('a constraint does not hold');
  const listed = await revocation.lists.fault(store, chain, nowMs);
  if (listed !== undefined) return refused(listed);
  if (!entry.ocsp_enabled) return undefined;
  const { ocsp_cache_size: cacheSize } = await configOf(store);
  const told = await revocation.ocsp.fault(
    chain,
    {
      trusted: await respondersOf(entry),
      servers: entry.ocsp_servers_override ?? [],
      failOpen: entry.ocsp_fail_open,
      queryAll: entry.ocsp_query_all_servers,
      cacheSize,
    },
    nowMs,
  );
  return told === undefined ? undefined : refused(told);
}

function colons(hex: string): string {
  return hex.replace(/(..)(?=.)/g, '$1:');
}

function metadataOf({ name, entry, leaf }: Match): Record<string, string> {
  const extensions = (entry.allowed_metadata_extensions ?? []).flatMap((id) => {
    const value = leaf.extensions.get(id);
    return value === undefined ? [] : [[id.replaceAll('.', '-'), value] as const];
  });
  return {
    ...Object.fromEntries(extensions),
    authority_key_id: colons(leaf.authorityKeyId),
    cert_name: name,
    common_name: leaf.commonName,
    serial_number: leaf.serialNumber,
    subject_key_id: colons(leaf.subjectKeyId),
  };
}

function fingerprint(certificate: Presented): string {
  return createHash('sha256').update(certificate.der).digest('hex');
}

async function login(
  request: Request<{ readonly name: string }>,
  store: Transaction,
  revocation: Revocation,
): Promise<Reply> {
  const { connection, nowMs } = request;
  const wanted = request.fields.name;
  const match = await matching(connection, store, wanted.toLowerCase(), { revocation, nowMs });
  const { entry, leaf } = match;
  checkAddress(entry.settings, connection);
  const metadata = metadataOf(match);
  const { enable_identity_alias_metadata: tellsAlias } = await configOf(store);
  return {
    auth: {
      ...grantOf(entry.settings, connection),
      displayName: entry.display_name,
      metadata,
      alias: { name: leaf.commonName, ...(tellsAlias ? { metadata } : {}) },
      internal: { name: match.name, fingerprint: fingerprint(leaf) },
    },
  };
}

/** A renewal comes with the certificate of the login, which must still be good, unless the mount says otherwise. */
async function renewal(
  { connection, internal, nowMs, policies }: AuthRenewal,
  store: Reader,
  revocation: Revocation,
): Promise<ReturnType<typeof renewalOf>> {
  const { name, fingerprint: original } = internal;
  const key = typeof name === 'string' ? name : '';
  const { disable_binding: unbound } = await configOf(store);
  if (!unbound) {
    const [leaf] = await presentedBy(connection);
    if (fingerprint(leaf) !== original) {
      throw invalidRequest(
        '1 error occurred:\n\t* failed to renew entry: another certificate than that of the login\n\n',
        { vaultStatus: 500 },
      );
    }
    await matching(connection, store, key, { revocation, nowMs });
  }
  const entry = await certEntries.find(store, key);
  if (entry === undefined)
    throw invalidRequest('failed to renew entry: the entry no longer exists');
  if (!samePolicies(entry.settings, policies))
    throw invalidRequest('failed to renew entry: policies have changed, not renewing');
  return renewalOf(entry.settings);
}

export function certBackend(ports: CertPorts): Backend {
  const revocation: Revocation = {
    lists: new RevocationLists(ports),
    ocsp: new OcspChecks(ports.fetch, ports.random),
  };
  return {
    type: 'cert',
    kind: 'auth',
    summary: 'Callers who present a TLS certificate.',
    paths: [
      ...certEntries.paths,
      ...crlPaths(revocation.lists),
      definePath({
        pattern: 'login',
        fields: {
          name: {
            kind: 'string',
            description: 'Entry to log in by; all are tried without it.',
            default: '',
          },
        },
        help: { synopsis: 'Logs in with the certificate of the connection.' },
        unauthenticated: true,
        login: true,
        operations: {
          update: {
            summary: 'Log in',
            handler: (request, store) => login(request, store, revocation),
          },
        },
      }),
    ],
    renewAuth: (asked, store) => renewal(asked, store, revocation),
  };
}
