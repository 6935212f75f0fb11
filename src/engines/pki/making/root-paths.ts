/** Roots: `root/generate`, `root/rotate`, `issuers/generate/root`, and the end of all of them. */
import { algorithmOf } from '../../../crypto/x509/algorithms.ts';
import {
  basicConstraintsOf,
  readCertificate,
  serialText,
} from '../../../crypto/x509/certificate.ts';
import { publicKeyInfoOf, writeKey } from '../../../crypto/x509/keys.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, RequestError } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import { Authorities } from '../authorities/authorities.ts';
import { newKeyName } from '../authorities/key-paths.ts';
import { assertName } from '../authorities/names.ts';
import type { AiaUrls } from '../authorities/records.ts';
import { filledUrls, globalUrls, NO_URLS } from '../authorities/urls.ts';
import { pathLengthWarnings, subjectWarnings, urlWarnings } from '../authorities/warnings.ts';
import type { PkiPorts } from '../ports.ts';
import { rebuildCrls, rebuildWarnings } from '../revocation/crl.ts';
import { allowedNames } from '../names/allowed-names.ts';
import { certificateData } from './answers.ts';
import { ownKey } from './authority-role.ts';
import type { AuthorityValues, KeyValues } from './authority-role.ts';
import {
  AUTHORITY_LIMIT_FIELDS,
  FORMAT_FIELDS,
  ISSUER_NAME,
  KEY_BITS,
  KEY_NAME,
  KEY_REF,
  KEY_TYPE,
  KEY_USAGE_FIELDS,
  NAME_FIELDS,
  NOT_BEFORE_DURATION,
  SIGNATURE_FIELDS,
  SUBJECT_FIELDS,
} from './fields.ts';
import { namesFor } from '../names/parameters.ts';
import type { Role } from '../roles/role.ts';
import { signOrder } from './sign.ts';
import { keepNew } from './stored-certificates.ts';
import { validityOf } from './validity.ts';
import type { Reply } from '../../../model/reply.ts';

const EXPORTED = {
  kind: 'string',
  description: 'Whether the key is `internal`, `exported` or an `existing` one.',
  default: '',
} as const;

const ROOT_FIELDS = {
  ...FORMAT_FIELDS,
  ...NAME_FIELDS,
  ...SUBJECT_FIELDS,
  ...KEY_USAGE_FIELDS,
  ...SIGNATURE_FIELDS,
  ...AUTHORITY_LIMIT_FIELDS,
  not_before_duration: NOT_BEFORE_DURATION,
  exported: EXPORTED,
  key_type: KEY_TYPE,
  key_bits: KEY_BITS,
  key_ref: KEY_REF,
  key_name: KEY_NAME,
  issuer_name: ISSUER_NAME,
} as const;

export interface CaUsageValues {
  readonly key_usage: readonly string[];
  readonly ext_key_usage: readonly string[];
  readonly ext_key_usage_oids: readonly string[];
  readonly use_pss: boolean;
  readonly max_path_length: number | undefined;
  readonly permitted_dns_domains: readonly string[];
}

interface RootValues extends AuthorityValues, KeyValues, CaUsageValues {
  readonly key_name: string | undefined;
  readonly issuer_name: string | undefined;
}

const DELETED_ALL =
  'DELETE /root deletes all keys and issuers; prefer the new DELETE /key/:key_ref and DELETE /issuer/:issuer_ref for finer granularity, unless removal of all keys and issuers is desired.';
const TEMPLATE_IGNORED =
  'When generating root CA, found global AIA configuration with issuer_id template unsuitable for root generation. This AIA configuration has been ignored. To include AIA on this root CA, set the global AIA configuration to not include issuer_id and instead to refer to a static issuer name.';

/** Usages count for an authority only when they were asked for. */
export function withAskedUsages(
  role: Role,
  values: CaUsageValues,
  data: Readonly<Record<string, unknown>>,
): Role {
  const asked = (name: keyof CaUsageValues): readonly string[] =>
    Object.hasOwn(data, name) ? (values[name] as readonly string[]) : [];
  return {
    ...role,
    use_pss: values.use_pss,
    key_usage: asked('key_usage'),
    ext_key_usage: asked('ext_key_usage'),
    ext_key_usage_oids: asked('ext_key_usage_oids'),
  };
}

/** Undefined: any number of authorities below. */
export function pathLengthOf(asked: number | undefined): number | undefined {
  if (asked !== undefined && asked < -1) {
    throw invalidRequest('invalid max_path_length: it must be -1 or more');
  }
  return asked === undefined || asked < 0 ? undefined : asked;
}

async function rootUrls(
  store: Transaction,
): Promise<{ readonly urls: AiaUrls; readonly warnings: readonly string[] }> {
  const urls = await globalUrls(store);
  try {
    return { urls: await filledUrls(store, urls, ''), warnings: [] };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    await filledUrls(store, urls, 'empty-issuer-id');
    return { urls: NO_URLS, warnings: [TEMPLATE_IGNORED] };
  }
}

export function rootPaths(ports: PkiPorts): readonly Path[] {
  async function generate(
    request: Request<RootValues>,
    store: Transaction,
    isRotation: boolean,
  ): Promise<Reply> {
    const { fields, nowMs } = request;
    const all = await Authorities.load(store, ports.random, nowMs);
    const own = await ownKey(store, all, fields, request.data);
    const issuerName = newIssuerName(all, fields.issuer_name, isRotation);
    const keyName = newKeyName(all, fields.key_name);
    const role = withAskedUsages(own.role, fields, request.data);
    const named = namesFor(fields, await allowedNames(ports, role, request.principal), undefined);
    const limits = { role, mount: request.mount, nowMs, issuer: undefined };
    const validity = validityOf(fields, limits);
    const { urls, warnings } = await rootUrls(store);
    const der = await signOrder(
      {
        role,
        named,
        validity,
        urls,
        publicKeyInfo: publicKeyInfoOf(own.key),
        authority: {
          pathLength: pathLengthOf(fields.max_path_length),
          permittedDnsDomains: fields.permitted_dns_domains,
        },
      },
      { self: own.key },
      ports.random,
    );
    const certificate = readCertificate(der);
    const key = all.importKey(own.key, keyName);
    const issuer = all.importIssuer(certificate, issuerName);
    const signedWith = algorithmOf(certificate.algorithm)?.name ?? '';
    all.put({ ...issuer.record, revocationAlgorithm: signedWith });
    if (all.defaultFollowsLatest) all.setDefaultIssuer(issuer.id);
    all.save();
    keepNew(store, certificate);
    const rebuilt = await rebuildCrls(ports, store, { nowMs, force: true });
    const shownKey = own.isExported ? writeKey(own.key) : undefined;
    return {
      data: {
        ...certificateData(
          { certificate, issuer: certificate, chain: [], key: shownKey },
          own.form,
        ),
        expiration: certificate.notAfterMs / 1000,
        serial_number: serialText(certificate.serial),
        issuer_id: issuer.id,
        issuer_name: issuer.record.name,
        key_id: key.id,
        key_name: key.record.name,
      },
      warnings: [
        ...validity.warnings,
        ...warnings,
        ...subjectWarnings(certificate),
        ...urlWarnings(urls),
        ...rebuildWarnings(rebuilt),
        ...pathLengthWarnings(basicConstraintsOf(certificate)?.pathLength, 'generated'),
      ],
    };
  }

  const path = (pattern: string, synopsis: string, isRotation = false): Path =>
    definePath({
      pattern,
      fields: ROOT_FIELDS,
      help: { synopsis },
      operations: {
        update: {
          summary: synopsis.replace(/\.$/, ''),
          handler: (request, store) => generate(request, store, isRotation),
        },
      },
    });

  return [
    path('root/generate/{exported}', 'Makes a root: a certificate signed by its own key.'),
    path('issuers/generate/root/{exported}', 'Makes a further root.'),
    path('root/rotate/{exported}', 'Makes a further root, called `next` unless said.', true),
    definePath({
      pattern: 'root',
      fields: {},
      sudo: true,
      help: { synopsis: 'Deletes every issuer and every key.' },
      operations: {
        delete: {
          summary: 'Delete all issuers and keys',
          async handler({ nowMs }, store) {
            const all = await Authorities.load(store, ports.random, nowMs);
            for (const id of all.issuers.keys()) all.deleteIssuer(id);
            for (const id of all.keys.keys()) all.deleteKey(id);
            all.save();
            await rebuildCrls(ports, store, { nowMs, force: true });
            return { data: null, warnings: [DELETED_ALL] };
          },
        },
      },
    }),
  ];
}

function newIssuerName(all: Authorities, given: string | undefined, isRotation: boolean): string {
  const name = assertName('issuer', given);
  const taken = (text: string): boolean =>
    [...all.issuers.values()].some((each) => each.name === text || each.id === text);
  if (name !== '' && taken(name)) throw invalidRequest('issuer name already in use');
  return name === '' && isRotation && !taken('next') ? 'next' : name;
}
