/** `issuers` and `issuer/REF`. */
import { isSignedBy } from '../../../crypto/x509/certificate.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { notFound } from '../../../model/errors.ts';
import { LIST_FIELDS, namesBelow } from '../../../model/listing/list-names.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { ISSUER_NAME, ISSUER_REF } from '../making/fields.ts';
import { findRole, ROLES } from '../roles/role.ts';
import type { PkiPorts } from '../ports.ts';
import { CERTIFICATES, serialKeyOf } from '../making/stored-certificates.ts';
import { rebuildCrls, rebuildWarnings } from '../revocation/crl.ts';
import { putRevoked } from '../revocation/revoked.ts';
import { Authorities } from './authorities.ts';
import { templateWarnings } from './config-paths.ts';
import { changeIssuer } from './issuer-change.ts';
import type { IssuerChange } from './issuer-change.ts';
import { issuerData, issuerWarnings } from './issuer-shown.ts';
import { page } from './pages.ts';
import { readIndex } from './records.ts';
import type { IssuerRecord, StoredIssuer } from './records.ts';
import { canonicalRef, DEFAULT_REF, findIssuerId, resolveIssuer } from './resolve.ts';
import type { Reply } from '../../../model/reply.ts';

/** Most roles that are looked through for references to an issuer. */
const ROLES_SEARCHED = 100;
const REFERENCES_SHOWN = 10;

const LIST = { kind: 'comma_string_list', default: [] } as const;

const ISSUER_FIELDS = {
  issuer_ref: ISSUER_REF,
  issuer_name: ISSUER_NAME,
  leaf_not_after_behavior: {
    kind: 'string',
    description:
      'What becomes of leaves that would outlive the issuer: err refuses, truncate shortens, permit lets them.',
    default: 'err',
  },
  manual_chain: { ...LIST, description: 'The chain, this issuer first, instead of the one found.' },
  usage: {
    kind: 'comma_string_list',
    description:
      'What the issuer is for: issuing-certificates, crl-signing, ocsp-signing, read-only.',
    default: ['read-only', 'issuing-certificates', 'crl-signing', 'ocsp-signing'],
  },
  revocation_signature_algorithm: {
    kind: 'string',
    description: 'How revocation lists and status responses are signed.',
    default: '',
  },
  issuing_certificates: { ...LIST, description: 'Where this issuer’s certificate is.' },
  crl_distribution_points: { ...LIST, description: 'Where this issuer’s revocation list is.' },
  delta_crl_distribution_points: { ...LIST, description: 'Where this issuer’s delta list is.' },
  ocsp_servers: { ...LIST, description: 'Where status requests are answered.' },
  enable_aia_url_templating: {
    kind: 'bool',
    description: 'URLs may hold {{issuer_id}}, {{cluster_path}} and {{cluster_aia_path}}.',
    default: false,
  },
} as const;

type IssuerValues = IssuerChange & { readonly issuer_ref: string };

/** What roles say about a name that an issuer loses. */
async function dereferenced(store: Reader, name: string): Promise<string[]> {
  const roles = (await namesBelow(store, ROLES)).slice(0, ROLES_SEARCHED + 1);
  let count = 0;
  for (const role of roles.slice(0, ROLES_SEARCHED)) {
    if ((await findRole(store, role))?.issuer_ref === name) count++;
  }
  if (count === 0) return [];
  const isPartial = roles.length > ROLES_SEARCHED || count >= REFERENCES_SHOWN;
  return isPartial
    ? [`The name ${name} was in use by at least ${count} roles`]
    : [`${count} roles reference ${name}`];
}

/** Only what the caller named. */
function named({ fields, data }: Request<IssuerValues>): IssuerChange {
  return Object.fromEntries(
    Object.entries(fields).filter(([name]) => name !== 'issuer_ref' && Object.hasOwn(data, name)),
  ) as IssuerChange;
}

export function issuerPaths(ports: PkiPorts): readonly Path[] {
  async function shownReply(
    store: Transaction,
    issuer: StoredIssuer | IssuerRecord,
    warnings: readonly string[] = [],
  ): Promise<Reply> {
    return {
      data: await issuerData(store, issuer),
      warnings: [...issuerWarnings(issuer), ...warnings],
    };
  }

  async function change(
    request: Request<IssuerValues>,
    store: Transaction,
    isPatch: boolean,
  ): Promise<Reply> {
    const { fields, nowMs } = request;
    const all = await Authorities.load(store, ports.random, nowMs);
    const issuer = all.issuer(fields.issuer_ref);
    const { issuer_ref: _ref, ...settings } = fields;
    const changes = isPatch
      ? named(request)
      : { ...settings, issuer_name: fields.issuer_name ?? undefined };
    const base = isPatch || changes.issuer_name !== undefined ? issuer : { ...issuer, name: '' };
    const changed = changeIssuer(all, base, changes, { nowMs, isPatch });
    all.save();
    const warnings =
      issuer.name !== '' && changed.name !== issuer.name
        ? await dereferenced(store, issuer.name)
        : [];
    if (changed.aia !== undefined) {
      warnings.push(...(await templateWarnings(store, changed.aia, changed.id)));
    }
    return await shownReply(store, changed, warnings);
  }

  async function remove(
    { fields, nowMs }: Request<{ readonly issuer_ref: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const ref = canonicalRef(fields.issuer_ref);
    const id = findIssuerId(await readIndex(store), ref);
    if (id === undefined) return { data: null };
    const all = await Authorities.load(store, ports.random, nowMs);
    const { name } = all.issuer(id);
    const warnings = name === '' ? [] : await dereferenced(store, name);
    warnings.push(...(await dereferenced(store, id)));
    if (all.deleteIssuer(id)) {
      warnings.push(
        `Deleted issuer ${id} (via issuer_ref ${fields.issuer_ref}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured.`,
        ...(await dereferenced(store, DEFAULT_REF)),
      );
    }
    all.rebuildChains();
    all.save();
    const rebuilt = await rebuildCrls(ports, store, { nowMs, force: true });
    return { data: null, warnings: [...warnings, ...rebuildWarnings(rebuilt)] };
  }

  async function revoke(
    { fields, nowMs }: Request<{ readonly issuer_ref: string }>,
    store: Transaction,
  ): Promise<Reply> {
    const all = await Authorities.load(store, ports.random, nowMs);
    const issuer = all.issuer(fields.issuer_ref);
    if (issuer.revokedMs !== undefined) return await shownReply(store, issuer);
    const usage = issuer.usage.filter((each) => each !== 'issuing-certificates');
    const revoked: IssuerRecord = { ...issuer, usage, revokedMs: nowMs };
    all.put(revoked);
    all.save();
    const certificate = all.certificate(issuer.id);
    const key = serialKeyOf(certificate);
    const stored = await store.get(CERTIFICATES + key);
    if (stored?.equals(certificate.der) === true) {
      const { notAfterMs } = certificate;
      putRevoked(store, { key, revokedMs: nowMs, issuerId: '', notAfterMs });
    }
    const rebuilt = await rebuildCrls(ports, store, { nowMs });
    return await shownReply(store, revoked, [
      ...rebuildWarnings(rebuilt),
      ...revocationWarnings(all, revoked),
    ]);
  }

  return [
    definePath({
      pattern: 'issuers',
      fields: LIST_FIELDS,
      unauthenticated: 'folder',
      help: { synopsis: 'Lists the issuers.' },
      operations: {
        list: {
          summary: 'List issuers',
          async handler({ fields }, store) {
            const index = await readIndex(store);
            const ids = page(Object.keys(index.issuers), fields);
            if (ids.length === 0) throw notFound();
            const info = ids.map((id) => [
              id,
              {
                issuer_name: index.issuers[id]?.name ?? '',
                is_default: id === index.defaultIssuer,
                serial_number: index.issuers[id]?.serial ?? '',
                key_id: index.issuers[id]?.keyId ?? '',
              },
            ]);
            return { data: { keys: ids, key_info: Object.fromEntries(info) } };
          },
        },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}',
      fields: ISSUER_FIELDS,
      help: { synopsis: 'Reads, changes and deletes an issuer.' },
      operations: {
        read: {
          summary: 'Read an issuer',
          handler: async ({ fields }, store) =>
            await shownReply(store, await resolveIssuer(store, fields.issuer_ref)),
        },
        update: {
          summary: 'Set all settings of an issuer',
          handler: (request, store) => change(request, store, false),
        },
        patch: {
          summary: 'Change some settings of an issuer',
          handler: (request, store) => change(request, store, true),
        },
        delete: { summary: 'Delete an issuer; its key stays', handler: remove },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}/revoke',
      fields: { issuer_ref: ISSUER_REF },
      help: { synopsis: 'Revokes an issuer: it signs no more certificates.' },
      operations: { update: { summary: 'Revoke an issuer', handler: revoke } },
    }),
  ];
}

function revocationWarnings(all: Authorities, issuer: IssuerRecord): string[] {
  const certificate = all.certificate(issuer.id);
  const parents = [...all.issuers.keys()].filter((id) =>
    isSignedBy(certificate, all.certificate(id)),
  );
  const warnings: string[] = [];
  if (parents.includes(issuer.id)) {
    warnings.push(
      "This issuer is a self-signed (potentially root) certificate. This means it may not be considered revoked if there is not an external, cross-signed variant of this certificate. This issuer's serial number will not appear on its own CRL.",
    );
  }
  if (!parents.some((id) => id !== issuer.id)) {
    warnings.push(
      "This issuer lacks another parent issuer within the mount. This means it will not appear on any other CRLs and may not be considered revoked by clients. Consider adding this issuer to its issuer's CRL as well if it is not self-signed.",
    );
  }
  if (all.defaultIssuer === issuer.id) {
    warnings.push(
      'This issuer is currently configured as the default issuer for this mount; operations such as certificate issuance may not work until a new default issuer is selected.',
    );
  }
  return warnings;
}
