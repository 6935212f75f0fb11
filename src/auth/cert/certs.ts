/** `certs`: trusted certificates, what theirs must be like, and what a login with one gets. */
import type { Presented } from '../../crypto/x509/chain.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { LIST_FIELDS, listNames } from '../list-names.ts';
import { reading } from './reading.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  mergeTokenSettings,
  oldFields,
  shownTokenSettings,
} from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';

export interface CertEntry {
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
  readonly settings: TokenSettings;
}

export const CERTS = 'cert/';
const OLD_NAMES = {
  policies: 'token_policies',
  lease: 'token_ttl',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  period: 'token_period',
  bound_cidrs: 'token_bound_cidrs',
} as const;
/** Most patterns in one list. */
const PATTERNS_MAX = 256;
/** Longest text of certificates. */
const PEM_LENGTH_MAX = 256 * 1024;

const name = { kind: 'lower_string', description: 'Name of the entry.' } as const;
const list = (description: string): { kind: 'comma_string_list'; description: string } => ({
  kind: 'comma_string_list',
  description,
});

const fields = {
  name,
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
  ocsp_enabled: { kind: 'bool', description: 'Not supported: revocation goes by lists.' },
  ...TOKEN_FIELDS,
  ...oldFields(OLD_NAMES),
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
] as const;
type Lists = { readonly [K in (typeof LISTS)[number]]?: readonly string[] | undefined };

type Wish = Lists & {
  readonly name?: string | undefined;
  readonly certificate?: string | undefined;
  readonly display_name?: string | undefined;
  readonly ocsp_enabled?: boolean | undefined;
};

export async function entryOf(store: Reader, key: string): Promise<Stored<CertEntry> | undefined> {
  return await store.getRecord<CertEntry>(CERTS + key);
}

const trusted = new WeakMap<Stored<CertEntry>, readonly Presented[]>();

/** The certificates of an entry, read once per stored revision. */
export async function trustedOf(entry: Stored<CertEntry>): Promise<readonly Presented[]> {
  const known = trusted.get(entry);
  if (known !== undefined) return known;
  const read = (await reading()).readPem(entry.certificate) ?? [];
  trusted.set(entry, read);
  return read;
}

async function write(request: Request<Wish>, store: Transaction): Promise<undefined> {
  const wish = request.fields;
  const key = wish.name ?? '';
  const before = await entryOf(store, key);
  const certificate = wish.certificate ?? before?.certificate ?? '';
  const { readPem } = await reading();
  if (certificate.length > PEM_LENGTH_MAX || readPem(certificate) === undefined)
    throw invalidRequest('failed to parse certificate');
  if (wish.ocsp_enabled === true) throw invalidRequest('OCSP is not supported');
  const lists = Object.fromEntries(
    LISTS.map((each) => [each, wish[each] ?? before?.[each] ?? null]),
  ) as Record<(typeof LISTS)[number], readonly string[] | null>;
  if (LISTS.some((each) => (lists[each] ?? []).length > PATTERNS_MAX))
    throw invalidRequest(`at most ${PATTERNS_MAX} patterns are allowed`);
  if ((lists.required_extensions ?? []).some((each) => !/^[\d.]+:/.test(each)))
    throw invalidRequest('required_extensions must be of the form identifier:value');
  const settings = mergeTokenSettings(before?.settings ?? FRESH_TOKEN_SETTINGS, wish, OLD_NAMES);
  const shownName = wish.display_name ?? before?.display_name ?? '';
  const entry: CertEntry = {
    certificate,
    display_name: shownName === '' ? key : shownName,
    ...lists,
    settings,
  };
  store.putJson(CERTS + key, entry);
  return undefined;
}

export function certPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'certs',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the trusted certificates.' },
      operations: {
        list: {
          summary: 'List trusted certificates',
          handler: (request, store) => listNames(store, CERTS, request.fields),
        },
      },
    }),
    definePath({
      pattern: 'certs/{name}',
      fields,
      help: { synopsis: 'Creates, reads, changes and deletes a trusted certificate.' },
      operations: {
        read: {
          summary: 'Read a trusted certificate',
          handler: async (request, store) => {
            const entry = await entryOf(store, request.fields.name ?? '');
            if (entry === undefined) throw notFound();
            const { settings, ...rest } = entry;
            return {
              data: {
                ...rest,
                ocsp_ca_certificates: '',
                ocsp_enabled: false,
                ocsp_fail_open: false,
                ocsp_query_all_servers: false,
                ocsp_servers_override: null,
                ...shownTokenSettings(settings, OLD_NAMES),
              },
            };
          },
        },
        update: { summary: 'Write a trusted certificate', handler: write },
        delete: {
          summary: 'Delete a trusted certificate',
          handler: (request, store) => {
            store.delete(CERTS + (request.fields.name ?? ''));
            return undefined;
          },
        },
      },
    }),
  ];
}
