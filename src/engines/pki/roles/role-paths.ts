/** `roles`: what certificates may say, by name. */
import { parseTime } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { Values } from '../../../model/field.ts';
import { listPath } from '../../../model/listing/list-path.ts';
import type { Request } from '../../../model/request.ts';
import type { Reader, Transaction } from '../../../model/transaction.ts';
import { readIndex } from '../authorities/records.ts';
import { canonicalRef, DEFAULT_REF, findIssuerId } from '../authorities/resolve.ts';
import { networkText } from '../names/addresses.ts';
import { keyRules } from '../making/key-rules.ts';
import { allowsAnyOther, parseOtherNames } from '../names/other-names.ts';
import { policyList, readPolicies } from '../making/policies.ts';
import { findRole, ROLES } from './role.ts';
import type { Role, RoleRecord } from './role.ts';
import { ROLE_FIELDS } from './role-fields.ts';
import type { Reply } from '../../../model/reply.ts';

type RoleValues = Values<typeof ROLE_FIELDS>;

const LEASES_COST =
  "it is encouraged to disable generate_lease and rely on PKI's native capabilities when possible; this option can cause instance-wide issues with large numbers of issued certificates";
const NO_STORE_WINS =
  'mutually exclusive values no_store=true and generate_lease=true were both specified; no_store=true takes priority';

const CN_VALIDATIONS = ['disabled', 'email', 'hostname'];

/** @throws {RequestError} */
function commonNameValidations(texts: readonly string[]): string[] {
  const fail = (problem: string): Error =>
    invalidRequest(`cn_validations value incorrect: ${problem}`);
  const names =
    texts.length === 0 ? ['email', 'hostname'] : texts.map((each) => each.toLowerCase());
  for (const [index, name] of names.entries()) {
    if (!CN_VALIDATIONS.includes(name)) throw fail('unknown type');
    if (names.indexOf(name) !== index) throw fail(`\`${name}\` specified multiple times`);
  }
  if (names.includes('disabled') && names.length > 1) {
    throw fail('cannot specify `disabled` along with `email` or `hostname`');
  }
  return names;
}

function assertBounds(role: RoleRecord): void {
  if (!['permit', 'duration', 'forbid'].includes(role.not_before_bound)) {
    throw invalidRequest(
      'Unknown value for field `not_before_bound`. Possible values are `permit` or `forbid`',
    );
  }
  const named = ['permit', 'forbid', 'ttl-limited'].includes(role.not_after_bound);
  if (!named && parseTime(role.not_after_bound) === undefined) {
    throw invalidRequest(
      'Unknown value for field `not_after_bound`. Possible values are `forbid`, `ttl`, or an explicit timestamp.',
    );
  }
}

/** All that is asked of the usages of a role: those that are no object identifiers are in no certificate. */
const DOTTED_NUMBERS = /^[+-]?\d{1,18}(?:\.[+-]?\d{1,18}){0,31}$/;

/** Checks a role as a whole and puts it into its stored form. @throws {RequestError} */
function checkedRole(role: RoleRecord): RoleRecord {
  if (!allowsAnyOther(role)) {
    parseOtherNames(role.allowed_other_sans, 'error parsing allowed_other_sans');
  }
  const networks = role.allowed_ip_sans_cidr.map((text) => {
    const network = networkText(text);
    if (network !== undefined) return network;
    throw invalidRequest('error parsing allowed_ip_sans_cidr: invalid CIDR address');
  });
  assertBounds(role);
  if (role.max_ttl > 0 && role.ttl > role.max_ttl) {
    throw invalidRequest('"ttl" value must be less than "max_ttl" value');
  }
  const { bits, hashBits } = keyRules(role.key_type, role.key_bits, role.signature_bits);
  if (!role.ext_key_usage_oids.every((text) => DOTTED_NUMBERS.test(text))) {
    throw invalidRequest(
      'one of ext_key_usage_oids could not be parsed as a valid oid for an extended key usage',
    );
  }
  readPolicies(role.policy_identifiers);
  return {
    ...role,
    allowed_ip_sans_cidr: networks,
    key_bits: bits,
    signature_bits: hashBits,
    cn_validations: commonNameValidations(role.cn_validations),
    generate_lease: role.generate_lease && !role.no_store,
    issuer_ref: role.issuer_ref === '' ? DEFAULT_REF : role.issuer_ref,
  };
}

async function warningsFor(store: Reader, asked: RoleRecord, role: RoleRecord): Promise<string[]> {
  const warnings: string[] = [];
  if (findIssuerId(await readIndex(store), canonicalRef(role.issuer_ref)) === undefined) {
    warnings.push(
      role.issuer_ref === DEFAULT_REF
        ? 'Issuing Certificate was set to default, but no default issuing certificate (configurable at /config/issuers) is currently set'
        : `Issuing Certificate was set to ${role.issuer_ref} but no issuing certificate currently has that name`,
    );
  }
  if (role.no_store && asked.generate_lease) warnings.push(NO_STORE_WINS);
  if (role.generate_lease) warnings.push(LEASES_COST);
  return warnings;
}

/** A JSON list that was split at its commas is put together again. */
function policiesOf({ data, fields }: Request<RoleValues>): readonly string[] {
  const raw = data['policy_identifiers'];
  return (typeof raw === 'string' ? policyList(raw) : undefined) ?? fields.policy_identifiers;
}

function recordOf(request: Request<RoleValues>): RoleRecord {
  const { name: _name, backend: _backend, ...settings } = request.fields;
  return { ...settings, policy_identifiers: policiesOf(request), allow_token_displayname: false };
}

function isDuration(name: string): boolean {
  return Object.entries(ROLE_FIELDS).some(
    ([each, field]) => each === name && field.kind === 'duration_seconds',
  );
}

/** What the request names, over what is stored. A duration of null is none that is named. */
function patched(existing: Role, request: Request<RoleValues>): RoleRecord {
  const { data } = request;
  const named = Object.entries(recordOf(request)).filter(
    ([name]) => Object.hasOwn(data, name) && !(data[name] === null && isDuration(name)),
  );
  return { ...existing, ...(Object.fromEntries(named) as Partial<RoleRecord>) };
}

export function rolePaths(): readonly Path[] {
  async function keep(name: string, asked: RoleRecord, store: Transaction): Promise<Reply> {
    const role = checkedRole(asked);
    store.putJson(ROLES + name, role);
    const warnings = await warningsFor(store, asked, role);
    return { data: { ...role }, warnings };
  }

  return [
    listPath('roles', ROLES, 'the roles'),
    definePath({
      pattern: 'roles/{name}',
      fields: ROLE_FIELDS,
      help: {
        synopsis: 'Creates, reads, changes and deletes a role.',
        description:
          'A role says which names certificates may carry, for how long and for what use they are, and by which issuer ' +
          'they are signed.',
      },
      operations: {
        update: {
          summary: 'Create or replace a role',
          handler: async (request, store) =>
            await keep(request.fields.name, recordOf(request), store),
        },
        patch: {
          summary: 'Change parts of a role',
          async handler(request, store) {
            const { name } = request.fields;
            const existing = await findRole(store, name);
            if (existing === undefined) throw invalidRequest('Unable to fetch role entry to patch');
            return await keep(name, patched(existing, request), store);
          },
        },
        read: {
          summary: 'Read a role',
          async handler({ fields }, store) {
            const role = await findRole(store, fields.name);
            if (role === undefined) throw notFound();
            return { data: { ...role } };
          },
        },
        delete: {
          summary: 'Delete a role',
          handler({ fields }, store) {
            store.delete(ROLES + fields.name);
            return undefined;
          },
        },
      },
    }),
  ];
}
