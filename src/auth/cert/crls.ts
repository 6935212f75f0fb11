/** `crls` and `config`: certificates that are revoked, and settings of the whole mount. */
import type { RevocationList } from '../../crypto/x509/chain.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Reader, Stored } from '../../model/transaction.ts';
import { reading } from './reading.ts';
import { entryPaths } from '../entries.ts';
import { namesBelow } from '../list-names.ts';

const CRLS = 'crl/';
const CONFIG = 'config';
/** Longest text of a list. */
const CRL_LENGTH_MAX = 1024 * 1024;

export interface CertConfig {
  readonly disable_binding: boolean;
  readonly enable_identity_alias_metadata: boolean;
  readonly ocsp_cache_size: number;
}

const FRESH: CertConfig = {
  disable_binding: false,
  enable_identity_alias_metadata: false,
  ocsp_cache_size: 0,
};

export async function configOf(store: Reader): Promise<Stored<CertConfig>> {
  return (await store.getRecord<CertConfig>(CONFIG)) ?? FRESH;
}

/** Whether one of the mount's lists names a certificate of that issuer. */
export async function isRevoked(
  store: Reader,
  certificate: { readonly issuerKey: string; readonly serialNumber: string },
): Promise<boolean> {
  for (const key of await namesBelow(store, CRLS)) {
    const crl = await store.getRecord<RevocationList>(CRLS + key);
    if (crl === undefined || issuerKey(crl.issuer) !== certificate.issuerKey) continue;
    if (crl.serialNumbers.includes(certificate.serialNumber)) return true;
  }
  return false;
}

/** A distinguished name in a form that two writings of it share: its parts, sorted. */
export function issuerKey(name: string): string {
  return name
    .split(/,\s*|\n/)
    .map((part) => part.trim())
    .sort()
    .join('\n');
}

const name = { kind: 'lower_string', description: 'Name of the list.' } as const;

export function crlPaths(): readonly Path[] {
  return [
    ...entryPaths({
      folder: 'crls',
      parameter: 'name',
      prefix: CRLS,
      one: 'revocation list',
      many: 'revocation lists',
      fields: {
        name,
        crl: { kind: 'string', description: 'The list, in PEM.', default: '' },
        url: { kind: 'string', description: 'Not supported: send the list.', default: '' },
      },
      tellsCreate: false,
      async read(store, key) {
        const crl = await store.getRecord<RevocationList>(CRLS + key);
        if (crl === undefined) throw invalidRequest(`no such CRL ${key}`);
        return { serials: Object.fromEntries(crl.serialNumbers.map((each) => [each, {}])) };
      },
      async write(request, store) {
        const { crl: text, url } = request.fields;
        if (url !== '') throw invalidRequest('url is not supported, send the list as crl');
        const { readCrl } = await reading();
        const crl = text.length > CRL_LENGTH_MAX ? undefined : readCrl(text);
        if (crl === undefined) throw invalidRequest('failed to parse CRL');
        store.putJson(CRLS + (request.fields.name ?? ''), crl);
        return undefined;
      },
    }),
    definePath({
      pattern: 'config',
      fields: {
        disable_binding: {
          kind: 'bool',
          description: 'A renewal may come without the certificate of the login.',
        },
        enable_identity_alias_metadata: {
          kind: 'bool',
          description: 'Metadata of the certificate goes to the alias too.',
        },
        ocsp_cache_size: { kind: 'int', description: 'Kept for compatibility.' },
      },
      help: { synopsis: 'Shows and changes the settings of the mount.' },
      operations: {
        read: {
          summary: 'Read the settings',
          handler: async (_request, store) => ({ data: { ...(await configOf(store)) } }),
        },
        update: {
          summary: 'Change the settings',
          handler: async (request, store) => {
            const before = await configOf(store);
            const { fields } = request;
            const config: CertConfig = {
              disable_binding: fields.disable_binding ?? before.disable_binding,
              enable_identity_alias_metadata:
                fields.enable_identity_alias_metadata ?? before.enable_identity_alias_metadata,
              ocsp_cache_size: fields.ocsp_cache_size ?? before.ocsp_cache_size,
            };
            store.putJson(CONFIG, config);
            return undefined;
          },
        },
      },
    }),
  ];
}
