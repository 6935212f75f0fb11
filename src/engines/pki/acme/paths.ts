/** The ACME server: its resources below each directory, and who may bind accounts. */
import { uuid } from '../../../base/random.ts';
import { formatTimeSeconds } from '../../../base/time-format.ts';
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import { invalidRequest, notFound } from '../../../model/errors.ts';
import type { FieldSet } from '../../../model/field.ts';
import { LIST_FIELDS, namesBelow } from '../../../model/list-names.ts';
import type { Reply, Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { changeAccount, changeKey, newAccount } from './accounts.ts';
import { ACME_CONFIG, acmeConfig, checkedAcme, configProblem } from './config.ts';
import type { AcmeConfig } from './config.ts';
import { AcmeDisabled, actingAccount, directoryOf, directoryPath, signedBy } from './context.ts';
import type { AcmeValues, Directory, JwsValues, Signed } from './context.ts';
import { innerSigned } from './inner.ts';
import { finalize, orderCertificate } from './finalize.ts';
import { newNonce } from './nonces.ts';
import { authorization, challenge, neededOrder, newOrder, orderList } from './orders.ts';
import { AcmeProblem, problemReply } from './problem.ts';
import { EABS, isId } from './records.ts';
import type { AccountRecord, EabRecord } from './records.ts';
import { revokeForAccount } from './revocation.ts';
import { jsonReply, shownOrder } from './shown.ts';
import type { Shown } from './shown.ts';

const JWS_FIELDS = {
  protected: { kind: 'string', description: 'Protected header of the message, in base64url.' },
  payload: { kind: 'string', description: 'Payload of the message, in base64url.' },
  signature: { kind: 'string', description: 'Signature of the message, in base64url.' },
} as const;

/** Directories: of the mount, of an issuer, of a role, of both. */
const DIRECTORIES = [
  { prefix: '', params: [] },
  { prefix: 'issuer/{issuer_ref:any}/', params: ['issuer_ref'] },
  { prefix: 'roles/{role}/', params: ['role'] },
  { prefix: 'issuer/{issuer_ref:any}/roles/{role}/', params: ['issuer_ref', 'role'] },
] as const;

const PARAM_FIELDS = {
  issuer_ref: { kind: 'string', description: 'The issuer of the directory.' },
  role: { kind: 'string', description: 'The role of the directory.' },
  kid: { kind: 'string', description: 'Id of the account.', default: '' },
  order_id: { kind: 'string', description: 'Id of the order.', default: '' },
  auth_id: { kind: 'string', description: 'Id of the authorization.', default: '' },
  challenge_type: { kind: 'string', description: 'Type of the challenge.', default: '' },
} as const;

type Values = JwsValues & {
  readonly kid?: string;
  readonly order_id?: string;
  readonly auth_id?: string;
  readonly challenge_type?: string;
};

type AcmeRequest = Request<Values>;

interface Turn {
  readonly request: AcmeRequest;
  readonly store: Transaction;
  readonly directory: Directory;
  readonly signed: Signed;
}

type Resource = (turn: Turn) => Promise<Shown | Reply> | Shown | Reply;

function isReply(answer: Shown | Reply): answer is Reply {
  return 'raw' in answer;
}

const GONE: Reply = { status: 404, raw: { contentType: 'application/json', body: '' } };
const EAB_KEY_BYTES = 32;
/** Keys begin with this, so that none begins with a hyphen. */
const EAB_PREFIX = Buffer.from('vault-eab-0-', 'base64url');

export function acmePaths(ports: PkiPorts): readonly Path[] {
  async function headersOf(
    store: Transaction,
    directory: Directory,
    nowMs: number,
  ): Promise<Readonly<Record<string, string>>> {
    return {
      'Replay-Nonce': await newNonce(store, ports.random, nowMs),
      Link: `<${directory.baseUrl}directory>;rel="index"`,
    };
  }

  /** Runs what needs a directory; problems become answers, and with them the nonce is spent. */
  async function within(
    request: Request<AcmeValues>,
    store: Transaction,
    act: (directory: Directory) => Promise<Reply>,
  ): Promise<Reply> {
    let directory: Directory | undefined;
    try {
      directory = await directoryOf(request, store);
      return await act(directory);
    } catch (error) {
      if (error instanceof AcmeDisabled) return GONE;
      if (!(error instanceof AcmeProblem)) throw error;
      const headers =
        directory === undefined ? {} : await headersOf(store, directory, request.nowMs);
      return problemReply(error, headers);
    }
  }

  function signedResource(
    resource: Resource,
  ): (request: AcmeRequest, store: Transaction) => Promise<Reply> {
    return async (request, store) =>
      await within(request, store, async (directory) => {
        const signed = await signedBy(ports, request, store, directory);
        const answer = await resource({ request, store, directory, signed });
        const headers = await headersOf(store, directory, request.nowMs);
        return isReply(answer)
          ? { ...answer, headers: { ...headers, ...answer.headers } }
          : jsonReply(answer, headers);
      });
  }

  /** For those who sign with the key of an account. */
  function accountResource(
    resource: (turn: Turn, account: AccountRecord) => Promise<Shown | Reply>,
  ): ReturnType<typeof signedResource> {
    return signedResource(
      async (turn) => await resource(turn, actingAccount(turn.signed, turn.directory)),
    );
  }

  async function showDirectory(request: AcmeRequest, store: Transaction): Promise<Reply> {
    return await within(request, store, ({ baseUrl, config }) =>
      Promise.resolve({
        raw: {
          contentType: 'application/json',
          body: JSON.stringify({
            newNonce: `${baseUrl}new-nonce`,
            newAccount: `${baseUrl}new-account`,
            newOrder: `${baseUrl}new-order`,
            revokeCert: `${baseUrl}revoke-cert`,
            keyChange: `${baseUrl}key-change`,
            meta: { externalAccountRequired: config.eab_policy !== 'not-required' },
          }),
        },
      }),
    );
  }

  function giveNonce(status: number) {
    return async (request: AcmeRequest, store: Transaction): Promise<Reply> =>
      await within(request, store, async (directory) => ({
        status,
        headers: await headersOf(store, directory, request.nowMs),
        raw: { contentType: 'text/plain', body: '' },
      }));
  }

  const RESOURCES: readonly (readonly [
    pattern: string,
    synopsis: string,
    params: readonly (keyof typeof PARAM_FIELDS)[],
    handler: ReturnType<typeof signedResource>,
  ])[] = [
    [
      'new-account',
      'Makes or finds an account.',
      [],
      signedResource(({ store, directory, signed, request }) =>
        newAccount(ports, store, directory, signed, request.nowMs),
      ),
    ],
    [
      'account/{kid}',
      'Shows, changes or closes an account.',
      ['kid'],
      signedResource(({ store, directory, signed, request }) =>
        changeAccount(store, directory, signed, request.fields.kid ?? '', request.nowMs),
      ),
    ],
    [
      'account/{kid}/orders',
      'Lists the orders of an account.',
      ['kid'],
      accountResource(({ store, directory }, account) => orderList(store, directory, account)),
    ],
    [
      'orders',
      'Lists the orders of the account that asks.',
      [],
      accountResource(({ store, directory }, account) => orderList(store, directory, account)),
    ],
    [
      'key-change',
      'Gives an account a new key.',
      [],
      signedResource(({ store, directory, signed }) =>
        changeKey(store, directory, signed, innerSigned(signed)),
      ),
    ],
    [
      'new-order',
      'Orders a certificate.',
      [],
      accountResource(({ store, directory, signed, request }, account) =>
        newOrder(ports, store, directory, account, signed, request.nowMs),
      ),
    ],
    [
      'order/{order_id}',
      'Shows an order.',
      ['order_id'],
      accountResource(async ({ store, directory, request }, account) =>
        shownOrder(
          directory,
          await neededOrder(store, account, request.fields.order_id ?? '', request.nowMs),
        ),
      ),
    ],
    [
      'order/{order_id}/finalize',
      'Hands in the request of an order.',
      ['order_id'],
      accountResource(({ store, directory, signed, request }, account) =>
        finalize(ports, request, store, directory, account, signed, request.fields.order_id ?? ''),
      ),
    ],
    [
      'order/{order_id}/cert',
      'Shows the certificate of an order.',
      ['order_id'],
      accountResource(({ store, request }, account) =>
        orderCertificate(store, account, request.fields.order_id ?? '', {}, request.nowMs),
      ),
    ],
    [
      'authorization/{auth_id}',
      'Shows or gives up an authorization.',
      ['auth_id'],
      accountResource(({ store, directory, signed, request }, account) =>
        authorization(store, directory, account, signed, request.fields.auth_id ?? ''),
      ),
    ],
    [
      'challenge/{auth_id}/{challenge_type:any}',
      'Shows or takes up a challenge.',
      ['auth_id', 'challenge_type'],
      accountResource(({ store, directory, signed, request }, account) =>
        challenge(request, store, directory, account, signed, {
          authorization: request.fields.auth_id ?? '',
          type: request.fields.challenge_type ?? '',
        }),
      ),
    ],
    [
      'revoke-cert',
      'Revokes a certificate.',
      [],
      signedResource(async ({ store, directory, signed, request }) => {
        await revokeForAccount(ports, store, directory, signed, request.nowMs);
        return { body: {} };
      }),
    ],
  ];

  function fieldsOf(params: readonly (keyof typeof PARAM_FIELDS)[]): FieldSet {
    return Object.fromEntries(params.map((name) => [name, PARAM_FIELDS[name]]));
  }

  const directories = DIRECTORIES.flatMap(({ prefix, params }) => {
    const own = fieldsOf(params);
    return [
      definePath({
        pattern: `${prefix}acme/directory`,
        fields: own,
        unauthenticated: true,
        help: { synopsis: 'Shows where the resources of the ACME server are.' },
        operations: {
          read: { summary: 'Show the directory', handler: showDirectory },
        },
      }),
      definePath({
        pattern: `${prefix}acme/new-nonce`,
        fields: own,
        unauthenticated: true,
        help: { synopsis: 'Gives a nonce.' },
        operations: {
          header: { summary: 'Give a nonce', handler: giveNonce(200) },
          read: { summary: 'Give a nonce', handler: giveNonce(204) },
        },
      }),
      definePath({
        pattern: `${prefix}acme/new-eab`,
        fields: own,
        help: { synopsis: 'Makes a key that binds one account of ACME to its holder.' },
        operations: { update: { summary: 'Make a key for an account', handler: newEab } },
      }),
      ...RESOURCES.map(([pattern, synopsis, more, handler]) =>
        definePath({
          pattern: `${prefix}acme/${pattern}`,
          fields: { ...JWS_FIELDS, ...own, ...fieldsOf(more) },
          unauthenticated: true,
          help: { synopsis },
          operations: {
            update: { summary: synopsis.replace(/\.$/, ''), handler },
          },
        }),
      ),
    ];
  });

  function newEab({ path, nowMs }: Request<object>, store: Transaction): Reply {
    const key = Buffer.concat([EAB_PREFIX, ports.random.bytes(EAB_KEY_BYTES)]);
    const eab: EabRecord = {
      id: uuid(ports.random),
      key: key.toString('base64'),
      directory: directoryPath(path),
      createdMs: nowMs,
    };
    store.putJsonNew(EABS + eab.id, eab);
    return {
      data: { id: eab.id, key: key.toString('base64url'), ...shownEab(eab) },
    };
  }

  return [...eabPaths(), ...configPaths(), ...directories];
}

function shownEab({ directory, createdMs }: EabRecord): Readonly<Record<string, unknown>> {
  return {
    key_type: 'hs',
    acme_directory: `${directory}directory`,
    created_on: formatTimeSeconds(createdMs),
  };
}

function eabPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'eab',
      fields: LIST_FIELDS,
      help: { synopsis: 'Lists the keys that no account is bound to yet.' },
      operations: {
        list: {
          summary: 'List unused keys',
          async handler({ fields }, store) {
            const ids = await namesBelow(store, EABS, fields);
            if (ids.length === 0) throw notFound();
            const info: Record<string, unknown> = {};
            for (const id of ids) {
              const eab = await store.getJson<EabRecord>(EABS + id);
              if (eab !== undefined) info[id] = shownEab(eab);
            }
            return { data: { keys: Object.keys(info), key_info: info } };
          },
        },
      },
    }),
    definePath({
      pattern: 'eab/{key_id}',
      fields: { key_id: { kind: 'string', description: 'Id of the key.', default: '' } },
      help: { synopsis: 'Deletes a key that no account is bound to yet.' },
      operations: {
        delete: {
          summary: 'Delete an unused key',
          async handler({ fields }, store) {
            const { key_id: id } = fields;
            if (!isId(id)) throw invalidRequest('badly formatted key_id field');
            if ((await store.getJson<EabRecord>(EABS + id)) === undefined) {
              return { data: null, warnings: [`No key id found with id: ${id}`] };
            }
            store.delete(EABS + id);
            return { data: null };
          },
        },
      },
    }),
  ];
}

const CONFIG_FIELDS = {
  enabled: { kind: 'bool', description: 'There is an ACME server.' },
  allowed_issuers: {
    kind: 'comma_string_list',
    description: 'Issuers that make certificates for ACME; `*` is any.',
  },
  allowed_roles: {
    kind: 'comma_string_list',
    description: 'Roles that have a directory; `*` is any.',
  },
  allow_role_ext_key_usage: {
    kind: 'bool',
    description: 'Extended usages are those of the role; otherwise certificates are for servers.',
  },
  default_directory_policy: {
    kind: 'string',
    description: 'The directory without a role: forbid, sign-verbatim, or `role:` and a name.',
  },
  dns_resolver: {
    kind: 'string',
    description: 'Address and port of the DNS server that challenges are looked up at.',
  },
  eab_policy: {
    kind: 'string',
    description:
      'Whether accounts must be bound: not-required, new-account-required, always-required.',
  },
  validation_networks: {
    kind: 'comma_string_list',
    description: 'Networks that challenges are fetched from although they are not public.',
  },
  http_port: { kind: 'int', description: 'Port of http-01 challenges, where it is not 80.' },
  tls_port: { kind: 'int', description: 'Port of tls-alpn-01 challenges, where it is not 443.' },
} as const;

type ConfigValues = { readonly [N in keyof AcmeConfig]: AcmeConfig[N] | undefined };

function configPaths(): readonly Path[] {
  return [
    definePath({
      pattern: 'config/acme',
      fields: CONFIG_FIELDS,
      help: { synopsis: 'Reads and sets for whom there is an ACME server.' },
      operations: {
        read: {
          summary: 'Read the settings of the ACME server',
          async handler(_request, store) {
            const config = await acmeConfig(store);
            const problem = await configProblem(store, config);
            return { data: { ...config }, warnings: problem === undefined ? [] : [problem] };
          },
        },
        update: {
          summary: 'Change the settings of the ACME server',
          async handler({ fields }: Request<ConfigValues>, store) {
            const named = Object.entries(fields).filter(([, value]) => value !== undefined);
            const wanted = {
              ...(await acmeConfig(store)),
              ...(Object.fromEntries(named) as Partial<AcmeConfig>),
            };
            const config = await checkedAcme(store, wanted);
            store.putJson(ACME_CONFIG, config);
            return { data: { ...config } };
          },
        },
      },
    }),
  ];
}
