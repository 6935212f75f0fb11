/** `sign` and `issue`: a certificate for a key that the caller has, or for one that is made here. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import { CERTIFICATE_NONCE_BYTES, signCertificate } from '../../crypto/ssh/certificate.ts';
import type { CertificateKind } from '../../crypto/ssh/certificate.ts';
import { generateSshKey, keySpecOf } from '../../crypto/ssh/private-key.ts';
import { parsePublicKey } from '../../crypto/ssh/public-key.ts';
import type { SshPublicKey } from '../../crypto/ssh/public-key.ts';
import { SshFormatError } from '../../crypto/ssh/wire.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Stored, Transaction } from '../../model/transaction.ts';
import { issuerOf, signingKey } from './issuers.ts';
import { checkKey, checkMade } from './key-rules.ts';
import { principalsFor } from './principals.ts';
import { roleNamed, textsOf } from './roles.ts';
import type { CaRole } from './roles.ts';
import { sshProblem } from './ssh-problem.ts';
import { hasTemplate } from './templates.ts';
import type { SshPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

/** Longest key id. */
const KEY_ID_LENGTH_MAX = 4096;
const SERIAL_BYTES = 8;

const COMMON_FIELDS = {
  role: { kind: 'string', default: '', description: 'Name of the role.' },
  ttl: { kind: 'duration_seconds', description: 'How long the certificate lives.' },
  valid_principals: {
    kind: 'string',
    description: 'Users or hosts that the certificate counts for, separated by commas.',
  },
  cert_type: { kind: 'string', default: 'user', description: 'Whom it is for: user or host.' },
  key_id: { kind: 'string', default: '', description: 'What the log of a host calls it.' },
  critical_options: {
    kind: 'map',
    default: {},
    description: 'Critical options of the certificate.',
  },
  extensions: { kind: 'map', default: {}, description: 'Extensions of the certificate.' },
} as const;

interface CommonFields {
  readonly role: string;
  readonly ttl: number | undefined;
  readonly valid_principals: string | undefined;
  readonly cert_type: string;
  readonly key_id: string;
  readonly critical_options: Readonly<JsonObject>;
  readonly extensions: Readonly<JsonObject>;
}

export function certificatePaths(ports: SshPorts): readonly Path[] {
  return [
    definePath({
      pattern: 'sign/{role:any}',
      fields: {
        ...COMMON_FIELDS,
        public_key: {
          kind: 'string',
          default: '',
          description: 'The key, as a line of an authorized_keys file.',
        },
      },
      help: { synopsis: 'Signs a public key as the role allows.' },
      operations: {
        update: {
          summary: 'Sign a key',
          handler: async (request, store) => {
            const { fields } = request;
            const role = await roleNamed(store, fields.role);
            if (role === undefined) throw invalidRequest(`Unknown role: ${fields.role}`);
            if (fields.public_key === '') throw invalidRequest('missing public_key');
            const key = sshProblem('failed to parse public_key as SSH key: ', () =>
              parsePublicKey(fields.public_key),
            );
            if (role.keyType !== 'ca') throw invalidRequest('the role signs no keys');
            checkKey(key, role);
            return await certify(request, store, { role, key, ports });
          },
        },
      },
    }),
    definePath({
      pattern: 'issue/{role:any}',
      fields: {
        ...COMMON_FIELDS,
        key_type: {
          kind: 'string',
          default: 'rsa',
          description: 'Type of the key: rsa, ec or ed25519.',
        },
        key_bits: { kind: 'int', default: 0, description: 'Its size; 0 for the usual one.' },
      },
      help: {
        synopsis: 'Makes a key and signs it as the role allows.',
        description: 'The private key is in this answer and nowhere else.',
      },
      operations: {
        update: {
          summary: 'Make and sign a key',
          handler: async (request, store) => {
            const { fields } = request;
            const role = await roleNamed(store, fields.role);
            if (role === undefined) throw invalidRequest(`unknown role: ${fields.role}`);
            if (role.keyType !== 'ca') {
              throw invalidRequest(
                `role key type '${role.keyType}' not allowed to issue key pairs`,
              );
            }
            checkMade(fields.key_type, fields.key_bits, role);
            const spec = sshProblem('', () => keySpecOf(fields.key_type, fields.key_bits));
            const { publicKey: key, privateKey } = await generateSshKey(spec, ports.random);
            const { data } = await certify(request, store, { role, key, ports });
            return {
              data: { ...data, private_key: privateKey, private_key_type: fields.key_type },
            };
          },
        },
      },
    }),
  ];
}

interface Subject {
  readonly role: Stored<CaRole>;
  readonly key: SshPublicKey;
  readonly ports: SshPorts;
}

async function certify(
  request: Request<CommonFields>,
  store: Transaction,
  { role, key, ports }: Subject,
): Promise<Reply> {
  const { fields, principal, nowMs } = request;
  const keyId = keyIdOf(request, role, key);
  const kind = kindOf(fields.cert_type, role);
  const principals = await principalsFor({
    kind,
    role,
    principal,
    asked: fields.valid_principals,
    fillTemplate: ports.fillTemplate,
  });
  const ttlSeconds = ttlOf(request, role);
  const criticalOptions = criticalOptionsOf(fields, role);
  const extensions = await extensionsOf(request, role, ports);
  const issuer = await issuerOf(store, role.issuerRef);
  const authority = await signingKey(store, issuer);
  const nowSeconds = Math.floor(nowMs / 1000);
  const serial = ports.random.bytes(SERIAL_BYTES).readBigUInt64BE() | 1n;
  try {
    const line = await signCertificate(
      {
        publicKey: key,
        kind,
        serial,
        keyId,
        principals,
        validAfter: nowSeconds - role.notBeforeSeconds,
        validBefore: nowSeconds + ttlSeconds,
        criticalOptions,
        extensions: extensions.values,
        nonce: ports.random.bytes(CERTIFICATE_NONCE_BYTES),
      },
      authority,
      role.algorithmSigner,
    );
    return {
      data: { serial_number: serial.toString(16), signed_key: line, issuer_id: issuer.id },
      ...(extensions.skipped ? { warnings: [SKIPPED] } : {}),
    };
  } catch (error) {
    if (error instanceof SshFormatError) throw invalidRequest(error.message);
    throw error;
  }
}

const SKIPPED =
  'default_extension templating enabled with at least one extension requiring identity templating. However, this request lacked identity entity information, causing one or more extensions to be skipped from the generated certificate.';

function kindOf(asked: string, role: Subject['role']): CertificateKind {
  if (asked !== 'user' && asked !== 'host') {
    throw invalidRequest("cert_type must be either 'user' or 'host'");
  }
  const allowed = asked === 'user' ? role.allowUserCertificates : role.allowHostCertificates;
  if (!allowed) throw invalidRequest(`cert_type '${asked}' is not allowed by role`);
  return asked;
}

function keyIdOf(
  { fields, principal }: Request<CommonFields>,
  role: Subject['role'],
  key: SshPublicKey,
): string {
  if (fields.key_id !== '') {
    if (!role.allowUserKeyIds) throw invalidRequest('setting key_id is not allowed by role');
    if (fields.key_id.length > KEY_ID_LENGTH_MAX) throw invalidRequest('key_id is too long');
    return fields.key_id;
  }
  const displayName = principal?.displayName ?? '';
  const usual =
    displayName === ''
      ? 'vault-{{public_key_hash}}'
      : 'vault-{{token_display_name}}-{{public_key_hash}}';
  const values: ReadonlyMap<string, string> = new Map([
    ['{{token_display_name}}', displayName],
    ['{{role_name}}', fields.role],
    ['{{public_key_hash}}', createHash('sha256').update(key.blob).digest('hex')],
  ]);
  // In one pass: what a value holds is no variable again.
  const form = role.keyIdFormat === '' ? usual : role.keyIdFormat;
  return form.replaceAll(VARIABLE, (variable) => values.get(variable) ?? variable);
}

const VARIABLE = /\{\{[a-z_]+\}\}/g;

function ttlOf({ fields, mount }: Request<CommonFields>, role: Subject['role']): number {
  const maxSeconds = role.maxTtlSeconds === 0 ? mount.maxLeaseTtlSeconds : role.maxTtlSeconds;
  const asked = fields.ttl ?? role.ttlSeconds;
  const seconds = asked === 0 ? mount.defaultLeaseTtlSeconds : asked;
  if (seconds <= maxSeconds) return seconds;
  // Only who asked for too much is told so; a default is cut.
  if (fields.ttl === undefined) return maxSeconds;
  throw invalidRequest(`ttl is larger than maximum allowed ${maxSeconds}`);
}

function criticalOptionsOf(
  fields: CommonFields,
  role: Subject['role'],
): ReadonlyMap<string, string> {
  const asked = textsOf(fields.critical_options);
  if (asked.size === 0) return new Map(Object.entries(role.defaultCriticalOptions));
  if (role.allowedCriticalOptions === '') return asked;
  const refused = without(asked, role.allowedCriticalOptions);
  if (refused.length > 0) {
    throw invalidRequest(`critical options not on allowed list: [${refused.join(' ')}]`);
  }
  return asked;
}

async function extensionsOf(
  { fields, principal }: Request<CommonFields>,
  role: Subject['role'],
  { fillTemplate }: SshPorts,
): Promise<{ readonly values: ReadonlyMap<string, string>; readonly skipped: boolean }> {
  const asked = textsOf(fields.extensions);
  if (asked.size > 0) {
    const refused = role.allowedExtensions === '*' ? [] : without(asked, role.allowedExtensions);
    if (refused.length > 0) {
      throw invalidRequest(`extensions [${refused.join(' ')}] are not on allowed list`);
    }
    return { values: asked, skipped: false };
  }
  const values = new Map<string, string>();
  let skipped = false;
  for (const [name, value] of Object.entries(role.defaultExtensions)) {
    if (!role.defaultExtensionsTemplate || !hasTemplate(value)) {
      values.set(name, value);
    } else if (principal === undefined || principal.entityId === '') {
      skipped = true;
    } else {
      const filled = await fillTemplate(value, principal);
      if (filled === undefined) {
        throw invalidRequest('the template of a default extension could not be rendered');
      }
      values.set(name, filled);
    }
  }
  return { values, skipped };
}

/** Names that are not on a list of names separated by commas. */
function without(asked: ReadonlyMap<string, string>, list: string): string[] {
  const allowed = new Set(list.split(',').map((name) => name.trim()));
  return [...asked.keys()].filter((name) => !allowed.has(name));
}
