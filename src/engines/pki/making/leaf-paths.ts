/** `issue`, `sign` and `sign-verbatim`, by the role’s issuer or by one that the path names. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest } from '../../../model/errors.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { DEFAULT_REF } from '../authorities/resolve.ts';
import type { PkiPorts } from '../ports.ts';
import { parseCsr } from './csr.ts';
import {
  CSR,
  FORMAT_FIELDS,
  ISSUER_REF,
  KEY_USAGE_FIELDS,
  LEAF_FIELDS,
  NAME_FIELDS,
  ROLE,
  SIGNATURE_FIELDS,
} from './fields.ts';
import { issue } from './issue.ts';
import type { LeafValues } from './issue.ts';
import { keyRules } from './key-rules.ts';
import { findRole, PERMISSIVE } from '../roles/role.ts';
import type { Role } from '../roles/role.ts';
import type { Reply } from '../../../model/reply.ts';

const COMMON = { ...FORMAT_FIELDS, ...NAME_FIELDS, ...LEAF_FIELDS, role: ROLE };

const ISSUE_FIELDS = {
  ...COMMON,
  key_type: {
    kind: 'string',
    description: 'Type of the key, for a role that takes any: rsa, ec or ed25519.',
  },
  key_bits: { kind: 'int', description: 'Size of the key, for a role that takes any.' },
} as const;

const SIGN_FIELDS = { ...COMMON, csr: CSR } as const;

const VERBATIM_FIELDS = {
  ...SIGN_FIELDS,
  ...KEY_USAGE_FIELDS,
  ...SIGNATURE_FIELDS,
  basic_constraints_valid_for_non_ca: {
    kind: 'bool',
    description: 'The certificate says that it is not of an authority.',
    default: false,
  },
} as const;

interface RoleValues extends LeafValues {
  readonly role: string;
}

interface IssueValues extends RoleValues {
  readonly key_type: string | undefined;
  readonly key_bits: number | undefined;
}

interface SignValues extends RoleValues {
  readonly csr: string;
}

interface VerbatimValues extends SignValues {
  readonly key_usage: readonly string[];
  readonly ext_key_usage: readonly string[];
  readonly ext_key_usage_oids: readonly string[];
  readonly signature_bits: number;
  readonly use_pss: boolean;
  readonly basic_constraints_valid_for_non_ca: boolean;
}

export async function neededRole(store: Reader, name: string): Promise<Role> {
  const role = await findRole(store, name);
  if (role === undefined) throw invalidRequest(`unknown role: ${name}`);
  return role;
}

/** The role with the key that the request wants, where the role leaves that open. */
export function withKey(role: Role, values: Pick<IssueValues, 'key_type' | 'key_bits'>): Role {
  if (role.key_type !== 'any') return role;
  const { key_type: type, key_bits: wanted = 0 } = values;
  if (type === undefined || type === '') {
    throw invalidRequest(
      'role key type "any" not allowed for issuing certificates without providing key_type and/or key_bits request parameters',
    );
  }
  const { bits, hashBits } = keyRules(type, wanted, role.signature_bits);
  return { ...role, key_type: type, key_bits: bits, signature_bits: hashBits };
}

const KEY_IGNORED = 'parameters key_type and key_bits ignored as role had specific values';

/** What a request taken over as it is may say, and what of a role still holds for it. */
export function verbatimRole(
  values: Omit<VerbatimValues, keyof SignValues>,
  role: Role | undefined,
  saysNotCa: boolean,
): Role {
  const basis: Role = {
    ...PERMISSIVE,
    use_csr_common_name: true,
    use_csr_sans: true,
    key_usage: values.key_usage,
    ext_key_usage: values.ext_key_usage,
    ext_key_usage_oids: values.ext_key_usage_oids,
    signature_bits: values.signature_bits,
    use_pss: values.use_pss,
    basic_constraints_valid_for_non_ca: values.basic_constraints_valid_for_non_ca,
  };
  if (role === undefined) return basis;
  return {
    ...basis,
    ttl: role.ttl,
    max_ttl: role.max_ttl,
    generate_lease: role.generate_lease,
    not_before_duration: role.not_before_duration,
    no_store: role.no_store,
    issuer_ref: role.issuer_ref,
    basic_constraints_valid_for_non_ca: saysNotCa
      ? values.basic_constraints_valid_for_non_ca
      : role.basic_constraints_valid_for_non_ca,
  };
}

export function leafPaths(ports: PkiPorts): readonly Path[] {
  const { signers } = ports;

  /** @param named the issuer in the path, if it has one. */
  async function issueNew(
    request: Request<IssueValues>,
    store: Transaction,
    named?: string,
  ): Promise<Reply> {
    const stored = await neededRole(store, request.fields.role);
    const role = withKey(stored, request.fields);
    const signer = await signers.ready(store, named ?? role.issuer_ref, 'issuing-certificates');
    const reply = await issue(ports, { request, store, role, signer });
    const { key_type: type, key_bits: bits } = request.fields;
    const ignored = stored.key_type !== 'any' && (type !== undefined || bits !== undefined);
    return ignored ? { ...reply, warnings: [...(reply.warnings ?? []), KEY_IGNORED] } : reply;
  }

  async function sign(
    request: Request<SignValues>,
    store: Transaction,
    named?: string,
  ): Promise<Reply> {
    const role = await neededRole(store, request.fields.role);
    const signer = await signers.ready(store, named ?? role.issuer_ref, 'issuing-certificates');
    return await issue(ports, { request, store, role, signer, csr: parseCsr(request.fields.csr) });
  }

  async function signVerbatim(
    request: Request<VerbatimValues>,
    store: Transaction,
    named?: string,
  ): Promise<Reply> {
    const { role: name } = request.fields;
    const stored = name === '' ? undefined : await neededRole(store, name);
    const says = Object.hasOwn(request.data, 'basic_constraints_valid_for_non_ca');
    const role = verbatimRole(request.fields, stored, says);
    const ref = named ?? (name === '' ? DEFAULT_REF : role.issuer_ref);
    const signer = await signers.ready(store, ref, 'issuing-certificates');
    const csr = parseCsr(request.fields.csr);
    return await issue(ports, { request, store, role, signer, csr, verbatim: true });
  }

  return [
    definePath({
      pattern: 'issue/{role}',
      fields: { ...ISSUE_FIELDS, issuer_ref: ISSUER_REF },
      help: { synopsis: 'Makes a key and a certificate for it, as a role allows.' },
      operations: {
        update: {
          summary: 'Issue a certificate',
          handler: (request, store) => issueNew(request, store),
        },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}/issue/{role}',
      fields: { ...ISSUE_FIELDS, issuer_ref: ISSUER_REF },
      help: { synopsis: 'Makes a key and a certificate for it, signed by the issuer named.' },
      operations: {
        update: {
          summary: 'Issue a certificate with an issuer',
          handler: (request, store) => issueNew(request, store, request.fields.issuer_ref),
        },
      },
    }),
    definePath({
      pattern: 'sign/{role}',
      fields: { ...SIGN_FIELDS, issuer_ref: ISSUER_REF },
      help: { synopsis: 'Makes a certificate for a request, as a role allows.' },
      operations: {
        update: { summary: 'Sign a request', handler: (request, store) => sign(request, store) },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}/sign/{role}',
      fields: { ...SIGN_FIELDS, issuer_ref: ISSUER_REF },
      help: { synopsis: 'Makes a certificate for a request, signed by the issuer named.' },
      operations: {
        update: {
          summary: 'Sign a request with an issuer',
          handler: (request, store) => sign(request, store, request.fields.issuer_ref),
        },
      },
    }),
    definePath({
      pattern: 'sign-verbatim[/{role}]',
      fields: { ...VERBATIM_FIELDS, issuer_ref: ISSUER_REF },
      help: {
        synopsis: 'Makes a certificate that says what the request says.',
        description:
          'Names and extensions are taken over as they are, without a role’s checks: whoever may call this can certify ' +
          'anything.',
      },
      operations: {
        update: {
          summary: 'Sign a request as it is',
          handler: (request, store) => signVerbatim(request, store),
        },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}/sign-verbatim[/{role}]',
      fields: { ...VERBATIM_FIELDS, issuer_ref: ISSUER_REF },
      help: {
        synopsis: 'Makes a certificate that says what the request says, by the issuer named.',
      },
      operations: {
        update: {
          summary: 'Sign a request as it is with an issuer',
          handler: (request, store) => signVerbatim(request, store, request.fields.issuer_ref),
        },
      },
    }),
  ];
}
