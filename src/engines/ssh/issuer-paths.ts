/** `config/ca`, `config/issuers`, `issuer*` and `public_key`: authorities, made here or brought along. */
import { createPublicKey } from 'node:crypto';
import { uuid } from '../../base/random.ts';
import { generateSshKey, keySpecOf, parsePrivateKey } from '../../crypto/ssh/private-key.ts';
import { formatPublicKey, parsePublicKey, publicKeyOf } from '../../crypto/ssh/public-key.ts';
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { LIST_FIELDS } from '../../model/listing/list-names.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import {
  DEFAULT_REF,
  addIssuer,
  checkIssuerName,
  defaultIssuerId,
  findIssuer,
  issuerById,
  issuerIds,
  issuerOf,
  removeIssuer,
  renameIssuer,
  setDefaultIssuer,
} from './issuers.ts';
import type { Issuer } from './issuers.ts';
import { rolesReferring } from './referring.ts';
import { sshProblem } from './ssh-problem.ts';
import type { SshPorts } from './ports.ts';
import type { Reply } from '../../model/reply.ts';

const KEY_FIELDS = {
  issuer_name: { kind: 'string', description: 'Name of the authority; ids serve as well.' },
  private_key: {
    kind: 'string',
    sensitive: true,
    description: 'Private key, as PEM or in the format of OpenSSH, without a passphrase.',
  },
  public_key: { kind: 'string', description: 'Public key, as a line of an authorized_keys file.' },
  generate_signing_key: { kind: 'bool', description: 'The key is made here.' },
  key_type: {
    kind: 'string',
    default: 'ssh-rsa',
    description: 'Type of a key that is made here: rsa, ec, ed25519, or its full name in SSH.',
  },
  key_bits: {
    kind: 'int',
    default: 0,
    description: 'Size of a key that is made here; 0 for the usual one.',
  },
} as const;

interface KeyFields {
  readonly private_key: string | undefined;
  readonly public_key: string | undefined;
  readonly generate_signing_key: boolean | undefined;
  readonly key_type: string;
  readonly key_bits: number;
}

const REF = {
  issuer_ref: {
    kind: 'string',
    default: DEFAULT_REF,
    description: 'Id or name of the authority, or `default`.',
  },
} as const;

interface KeyTexts {
  readonly publicKey: string;
  readonly privateKey: string;
}

async function keysOf(fields: KeyFields, { random }: Pick<SshPorts, 'random'>): Promise<KeyTexts> {
  const { generate_signing_key: generate } = fields;
  const publicKey = fields.public_key ?? '';
  const privateKey = fields.private_key ?? '';
  const none = publicKey === '' && privateKey === '';
  if (generate === true && !none) {
    throw invalidRequest(
      'public_key and private_key must not be set when generate_signing_key is set to true',
    );
  }
  if (generate === false && none) throw invalidRequest('missing public_key');
  if (none) {
    const spec = sshProblem('', () => keySpecOf(fields.key_type, fields.key_bits));
    const made = await generateSshKey(spec, random);
    return { publicKey: formatPublicKey(made.publicKey), privateKey: made.privateKey };
  }
  if (publicKey === '' || privateKey === '') {
    throw invalidRequest(
      'only one of public_key and private_key set; both must be set to use, or both must be blank to auto-generate',
    );
  }
  const known = sshProblem('could not parse public_key provided value: ', () =>
    parsePublicKey(publicKey),
  );
  const key = sshProblem('could not parse private_key provided value: ', () =>
    parsePrivateKey(privateKey),
  );
  if (!publicKeyOf(createPublicKey(key)).blob.equals(known.blob)) {
    throw invalidRequest('public_key and private_key do not belong together');
  }
  return { publicKey, privateKey };
}

function shown({ id, name, publicKey }: Issuer): Reply {
  return { data: { issuer_id: id, issuer_name: name, public_key: publicKey } };
}

function rawKey({ publicKey }: Issuer): Reply {
  return { raw: { contentType: 'text/plain', body: publicKey } };
}

/** `Default` and the like mean the default, as the reference has it. */
function refOf(text: string): string {
  const ref = text.trim();
  return ref.toLowerCase() === DEFAULT_REF ? DEFAULT_REF : ref;
}

async function submit(
  store: Transaction,
  fields: KeyFields,
  how: { readonly name: string; readonly asDefault: boolean; readonly ports: SshPorts },
): Promise<Reply> {
  const keys = await keysOf(fields, how.ports);
  const fresh = { id: uuid(how.ports.random), name: how.name, ...keys };
  const { issuer, existed } = await addIssuer(store, fresh, how.asDefault);
  const reply = shown(issuer);
  if (!existed) return reply;
  const warning =
    'An issuer with the provided public key already exists, returning the existing issuer';
  return { ...reply, warnings: [warning] };
}

async function remove(store: Transaction, ref: string): Promise<Reply | undefined> {
  const issuer = await findIssuer(store, ref);
  if (issuer === undefined) return undefined;
  const warnings = await rolesReferring(store, [issuer.name, issuer.id]);
  if (await removeIssuer(store, issuer.id)) {
    warnings.push(
      `Deleted issuer ${issuer.id} (via issuer_ref ${ref}); this was configured as the default issuer. Operations without an explicit issuer will not work until a new default is configured.`,
      ...(await rolesReferring(store, [DEFAULT_REF])),
    );
  }
  return warnings.length === 0 ? undefined : { data: null, warnings };
}

export function issuerPaths(ports: SshPorts): readonly Path[] {
  return [
    definePath({
      pattern: 'config/ca',
      fields: KEY_FIELDS,
      help: {
        synopsis: 'The default authority: made here, brought along, or removed with all others.',
      },
      operations: {
        read: {
          summary: 'Read the default authority',
          handler: async (_request, store) => shown(await issuerOf(store, DEFAULT_REF)),
        },
        update: {
          summary: 'Make or bring a new default authority',
          handler: ({ fields }, store) =>
            submit(store, fields, { name: '', asDefault: true, ports }),
        },
        delete: {
          summary: 'Remove every authority',
          handler: async (_request, store) => {
            const ids = await issuerIds(store);
            for (const id of ids) await removeIssuer(store, id);
            if (ids.length === 0) return undefined;
            const warning = `Deleted ${ids.length} issuers, including default issuer if configured.`;
            return { data: null, warnings: [warning] };
          },
        },
      },
    }),
    definePath({
      pattern: 'config/issuers',
      fields: {
        default: { kind: 'string', default: '', description: 'Id or name of the authority.' },
      },
      help: { synopsis: 'Which authority is the default.' },
      operations: {
        read: {
          summary: 'Read which authority is the default',
          handler: async (_request, store) => ({
            data: { default: (await issuerOf(store, DEFAULT_REF)).id },
          }),
        },
        update: {
          summary: 'Choose the default authority',
          handler: async ({ fields }, store) => {
            const ref = refOf(fields.default);
            if (ref === '' || ref === DEFAULT_REF) {
              throw invalidRequest(
                "invalid issuer specification; must be non-empty and can't be 'default'.",
              );
            }
            const { id } = await issuerOf(store, ref);
            const before = await defaultIssuerId(store);
            if (before === id) {
              const warning = 'The default issuer is already set to the specified issuer.';
              return { data: null, warnings: [warning] };
            }
            setDefaultIssuer(store, id);
            const resolved = id === ref ? '' : ` (resolved to ${id})`;
            const warning = `Previous default (${before}) has been updated with the issuer '${ref}'${resolved}`;
            return { data: { default: id }, ...(before === '' ? {} : { warnings: [warning] }) };
          },
        },
      },
    }),
    definePath({
      pattern: 'issuers/import[/{issuer_name}]',
      fields: {
        ...KEY_FIELDS,
        set_default: { kind: 'bool', default: false, description: 'It becomes the default.' },
      },
      help: { synopsis: 'Makes or brings an authority beside those that are there.' },
      operations: {
        update: {
          summary: 'Make or bring an authority',
          handler: async ({ fields }, store) => {
            const name = (fields.issuer_name ?? '').trim();
            if (name !== '') await checkIssuerName(store, name);
            return await submit(store, fields, { name, asDefault: fields.set_default, ports });
          },
        },
      },
    }),
    definePath({
      pattern: 'issuers/',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the authorities with their names and public keys.' },
      operations: {
        list: {
          summary: 'List the authorities',
          handler: async ({ fields: { after, limit } }, store) => {
            const keys = await issuerIds(store, {
              ...(after === undefined || after === '' ? {} : { after }),
              ...(limit === undefined || limit <= 0 ? {} : { limit }),
            });
            return { data: { keys, key_info: await infoOf(store, keys) } };
          },
        },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}',
      fields: {
        ...REF,
        issuer_name: { kind: 'string', description: 'New name of the authority.' },
      },
      help: { synopsis: 'An authority, by its id or name.' },
      operations: {
        read: {
          summary: 'Read an authority',
          handler: async ({ fields }, store) =>
            shown(await issuerOf(store, refOf(fields.issuer_ref))),
        },
        update: {
          summary: 'Rename an authority',
          handler: async ({ fields }, store) => {
            const issuer = await issuerOf(store, refOf(fields.issuer_ref));
            const name = fields.issuer_name?.trim();
            if (name === '') throw invalidRequest('expected non-empty issuer name');
            if (name !== undefined) await checkIssuerName(store, name, issuer.id);
            if (name === issuer.name) return shown(issuer);
            const warnings = await rolesReferring(store, [issuer.name]);
            return { ...shown(renameIssuer(store, issuer, name ?? '')), warnings };
          },
        },
        delete: {
          summary: 'Remove an authority',
          handler: ({ fields }, store) => remove(store, refOf(fields.issuer_ref)),
        },
      },
    }),
    definePath({
      pattern: 'issuer/{issuer_ref}/public_key',
      fields: REF,
      unauthenticated: true,
      help: { synopsis: 'The public key of an authority, as text; no token is needed.' },
      operations: {
        read: {
          summary: 'Read the public key of an authority',
          handler: async ({ fields }, store) =>
            rawKey(await issuerOf(store, refOf(fields.issuer_ref))),
        },
      },
    }),
    definePath({
      pattern: 'public_key',
      fields: {},
      unauthenticated: true,
      help: { synopsis: 'The public key of the default authority, as text; no token is needed.' },
      operations: {
        read: {
          summary: 'Read the public key of the default authority',
          handler: async (_request, store) => rawKey(await issuerOf(store, DEFAULT_REF)),
        },
      },
    }),
    definePath({
      pattern: 'tidy/dynamic-keys',
      fields: {},
      help: {
        synopsis: 'Removes the host keys of a kind of role that there is no more; there are none.',
      },
      operations: {
        delete: {
          summary: 'Remove old host keys',
          handler: () => ({ data: { message: 'Removed 0 of 0 host keys.' } }),
        },
      },
    }),
  ];
}

async function infoOf(
  store: Reader,
  ids: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const defaultId = await defaultIssuerId(store);
  const info: Record<string, unknown> = {};
  for (const id of ids) {
    const issuer = await issuerById(store, id);
    if (issuer === undefined) continue;
    const { name, publicKey } = issuer;
    info[id] = { issuer_name: name, is_default: id === defaultId, public_key: publicKey };
  }
  return info;
}
