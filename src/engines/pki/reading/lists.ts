/** `certs`: the certificates that are kept. */
import { formatTimeSeconds } from '../../../base/time-format.ts';
import { keyBitsOf, keyTypeOf } from '../../../crypto/x509/algorithms.ts';
import { altNamesOf, readCertificate } from '../../../crypto/x509/certificate.ts';
import type { Certificate } from '../../../crypto/x509/certificate.ts';
import { readPublicKey } from '../../../crypto/x509/keys.ts';
import { commonNameOf, nameText, readName } from '../../../crypto/x509/names.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { notFound } from '../../../model/errors.ts';
import { LIST_FIELDS, listNames, namesBelow } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { CERTIFICATES } from '../making/stored-certificates.ts';
import { asKeys, withColons } from '../revocation/revoke.ts';
import type { Reply } from '../../../model/reply.ts';

const SHOWN_NAMES = 5;
const READ_AT_ONCE = 500;

export function describe(certificate: Certificate): Readonly<Record<string, unknown>> {
  const key = readPublicKey(certificate.publicKeyInfo);
  const { dnsNames } = altNamesOf(certificate);
  return {
    common_name: commonNameOf(readName(certificate.subject)),
    issuer: nameText(readName(certificate.issuer)),
    key_type: (key === undefined ? undefined : keyTypeOf(key)) ?? 'unknown',
    key_bits: key === undefined ? 0 : keyBitsOf(key),
    not_after: formatTimeSeconds(certificate.notAfterMs),
    not_before: formatTimeSeconds(certificate.notBeforeMs),
    dns_names: dnsNames.length === 0 ? null : dnsNames.slice(0, SHOWN_NAMES),
  };
}

type Paged = Request<{ readonly after: string | undefined; readonly limit: number | undefined }>;

async function detailed({ fields }: Paged, store: Transaction): Promise<Reply> {
  const names = await namesBelow(store, CERTIFICATES, asKeys(fields));
  if (names.length === 0) throw notFound();
  const info: Record<string, unknown> = {};
  for (let at = 0; at < names.length; at += READ_AT_ONCE) {
    const some = names.slice(at, at + READ_AT_ONCE);
    const ders = await store.getMany(some.map((name) => CERTIFICATES + name));
    for (const [index, der] of ders.entries()) {
      if (der === undefined) continue;
      info[(some[index] ?? '').replaceAll('-', ':')] = describe(readCertificate(der));
    }
  }
  return { data: { keys: Object.keys(info), key_info: info } };
}

export function certificateListPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'certs',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the serial numbers of the certificates that are kept.' },
      operations: {
        list: {
          summary: 'List certificates',
          handler: async ({ fields }, store) =>
            withColons(await listNames(store, CERTIFICATES, asKeys(fields))),
        },
      },
    }),
    definePath({
      pattern: 'certs/detailed',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the certificates that are kept, with what they say.' },
      operations: { list: { summary: 'List certificates in detail', handler: detailed } },
    }),
  ];
}
