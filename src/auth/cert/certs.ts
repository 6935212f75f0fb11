/** `certs`: trusted certificates, what theirs must be like, and what a login with one gets. */
import type { Presented } from '../../crypto/x509/chain.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored } from '../../model/transaction.ts';
import { boundSizes, defineRoles } from '../roles.ts';
import type { Role, Roles } from '../roles.ts';
import { reading } from './reading.ts';

interface CertFields {
  readonly certificate: string;
  readonly display_name: string;
  readonly allowed_names: readonly string[] | null;
  readonly allowed_common_names: readonly string[] | null;
  readonly allowed_dns_sans: readonly string[] | null;
  readonly allowed_email_sans: readonly string[] | null;
  readonly allowed_uri_sans: readonly string[] | null;
  readonly allowed_organizational_units: readonly string[] | null;
  readonly allowed_metadata_extensions: readonly string[] | null;
  readonly required_extensions: readonly string[] | null;
  readonly ocsp_enabled: boolean;
  readonly ocsp_ca_certificates: string;
  readonly ocsp_servers_override: readonly string[] | null;
  readonly ocsp_fail_open: boolean;
  readonly ocsp_query_all_servers: boolean;
}

export type CertEntry = Role<CertFields>;

export const CERTS = 'cert/';
const OLD_NAMES = {
  policies: 'token_policies',
  lease: 'token_ttl',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  period: 'token_period',
  bound_cidrs: 'token_bound_cidrs',
} as const;
/** Longest text of certificates. */
const PEM_LENGTH_MAX = 256 * 1024;

const list = (description: string): { kind: 'comma_string_list'; description: string } => ({
  kind: 'comma_string_list',
  description,
});

const FRESH: CertFields = {
  certificate: '',
  display_name: '',
  allowed_names: null,
  allowed_common_names: null,
  allowed_dns_sans: null,
  allowed_email_sans: null,
  allowed_uri_sans: null,
  allowed_organizational_units: null,
  allowed_metadata_extensions: null,
  required_extensions: null,
  ocsp_enabled: false,
  ocsp_ca_certificates: '',
  ocsp_servers_override: null,
  ocsp_fail_open: false,
  ocsp_query_all_servers: false,
};

const FIELDS = {
  certificate: {
    kind: 'string',
    description: 'Trusted certificates in PEM: authorities, or single certificates.',
  },
  display_name: { kind: 'string', description: 'Name of the tokens, for people.' },
  allowed_names: list('Globs, one of which must match the common name or an alternative name.'),
  allowed_common_names: list('Globs, one of which must match the common name.'),
  allowed_dns_sans: list('Globs, one of which must match a DNS name.'),
  allowed_email_sans: list('Globs, one of which must match an e-mail address.'),
  allowed_uri_sans: list('Globs, one of which must match a URI.'),
  allowed_organizational_units: list('Globs, one of which must match an organizational unit.'),
  allowed_metadata_extensions: list('Extensions whose values become metadata.'),
  required_extensions: list('Extensions that must match, as identifier:glob.'),
  ocsp_enabled: { kind: 'bool', description: 'A responder is asked whether it is revoked.' },
  ocsp_ca_certificates: {
    kind: 'string',
    description: 'Responders, or their authorities (PEM), trusted beside the issuer.',
  },
  ocsp_servers_override: list('Responders in place of those that the certificate names.'),
  ocsp_fail_open: { kind: 'bool', description: 'A login goes on when no responder answers.' },
  ocsp_query_all_servers: { kind: 'bool', description: 'All responders must say that it is good.' },
} as const;

const LISTS = [
  'allowed_names',
  'allowed_common_names',
  'allowed_dns_sans',
  'allowed_email_sans',
  'allowed_uri_sans',
  'allowed_organizational_units',
  'allowed_metadata_extensions',
  'required_extensions',
  'ocsp_servers_override',
] as const;
const trusted = new WeakMap<Stored<CertEntry>, readonly Presented[]>();

/** The certificates of an entry, read once per stored revision. */
export async function trustedOf(entry: Stored<CertEntry>): Promise<readonly Presented[]> {
  return await readOnce(trusted, entry, entry.certificate);
}

const responders = new WeakMap<Stored<CertEntry>, readonly Presented[]>();

/** What an entry trusts of responders, read likewise. */
export async function respondersOf(entry: Stored<CertEntry>): Promise<readonly Presented[]> {
  return await readOnce(responders, entry, entry.ocsp_ca_certificates);
}

async function readOnce(
  known: WeakMap<Stored<CertEntry>, readonly Presented[]>,
  entry: Stored<CertEntry>,
  pem: string,
): Promise<readonly Presented[]> {
  const before = known.get(entry);
  if (before !== undefined) return before;
  const read = (await reading()).readPem(pem) ?? [];
  known.set(entry, read);
  return read;
}

async function check(entry: CertEntry, request: Request): Promise<CertEntry> {
  const { readPem } = await reading();
  if (entry.certificate.length > PEM_LENGTH_MAX || readPem(entry.certificate) === undefined)
    throw invalidRequest('failed to parse certificate');
  boundSizes(LISTS.map((each) => entry[each]));
  if ((entry.required_extensions ?? []).some((each) => !/^[\d.]+:/.test(each)))
    throw invalidRequest('required_extensions must be of the form identifier:value');
  const pem = entry.ocsp_ca_certificates;
  if (pem.length > PEM_LENGTH_MAX || (pem !== '' && readPem(pem) === undefined))
    throw invalidRequest('failed to parse ocsp_ca_certificates');
  if ((entry.ocsp_servers_override ?? []).some((url) => URL.parse(url) === null))
    throw invalidRequest('ocsp_servers_override has something that is no URL');
  const name = (request.fields['name'] as string | undefined) ?? '';
  return entry.display_name === '' ? { ...entry, display_name: name } : entry;
}

export const certEntries: Roles<CertFields> = defineRoles<CertFields>({
  folder: 'certs',
  prefix: CERTS,
  one: 'trusted certificate',
  many: 'trusted certificates',
  fields: FIELDS,
  fresh: FRESH,
  oldNames: OLD_NAMES,
  tellsCreate: false,
  check,
  warnings({ settings }, { mount }) {
    const { token_ttl: ttl, token_max_ttl: maxTtl } = settings;
    return [
      tooLong('ttl', ttl, mount.defaultLeaseTtlSeconds),
      tooLong('max_ttl', maxTtl, mount.maxLeaseTtlSeconds),
    ].flat();
  },
});

function tooLong(name: string, seconds: number, limit: number): readonly string[] {
  if (seconds <= limit) return [];
  return [
    `Given ${name} of ${seconds} seconds is greater than current mount/system default of ${limit} seconds`,
  ];
}
