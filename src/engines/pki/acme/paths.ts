/** The ACME server: its resources below each directory, and who may bind accounts. */
import { definePath } from '../../../model/backend.ts';
import type { Path } from '../../../model/backend.ts';
import type { FieldSet } from '../../../model/field.ts';
import type { Request } from '../../../model/request.ts';
import type { Transaction } from '../../../model/transaction.ts';
import type { PkiPorts } from '../ports.ts';
import { changeAccount, changeKey, newAccount } from './accounts.ts';
import { AcmeDisabled, actingAccount, directoryOf, signedBy } from './context.ts';
import type { AcmeValues, Directory, JwsValues, Signed } from './context.ts';
import { acmeConfigPaths } from './config-paths.ts';
import { eabPaths, newEab } from './eab-paths.ts';
import { innerSigned } from './inner.ts';
import { finalize, orderCertificate } from './finalize.ts';
import { newNonce } from './nonces.ts';
import { authorization, challenge, neededOrder, newOrder, orderList } from './orders.ts';
import { AcmeProblem, problemReply } from './problem.ts';
import type { AccountRecord } from './records.ts';
import { revokeForAccount } from './revocation.ts';
import { jsonReply, shownOrder } from './shown.ts';
import type { Shown } from './shown.ts';
import type { Reply } from '../../../model/reply.ts';

const JWS_FIELDS = {
  protected: { kind: 'string', description: 'Protected header of the message, in base64url.' },
  payload: { kind: 'string', description: 'Payload of the message, in base64url.' },
  signature: { kind: 'string', description: 'Signature of the message, in base64url.' },
} as const;

/** Directories: of the mount, of an issuer, of a role, of both. */
const DIRECTORIES = [
  { prefix: '', params: [] },
  { prefix: 'issuer/{issuer_ref}/', params: ['issuer_ref'] },
  { prefix: 'roles/{role}/', params: ['role'] },
  { prefix: 'issuer/{issuer_ref}/roles/{role}/', params: ['issuer_ref', 'role'] },
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
/** What clients find their way to by addresses that they were given: one that is none is not there, for anybody. */
const GIVEN: readonly string[] = [
  'account/+',
  'authorization/+',
  'challenge/+/+',
  'order/+',
  'order/+/finalize',
  'order/+/cert',
];

export const ACME_PLACES: readonly string[] = DIRECTORIES.flatMap(({ prefix }) =>
  GIVEN.map((place) => `${prefix.replace(/\{\w+\}/g, '+')}acme/${place}`),
);

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
      'account/{kid:uuid}',
      'Shows, changes or closes an account.',
      ['kid'],
      signedResource(({ store, directory, signed, request }) =>
        changeAccount(store, directory, signed, request.fields.kid ?? '', request.nowMs),
      ),
    ],
    [
      'account/{kid:uuid}/orders',
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
      signedResource(async ({ store, directory, signed }) =>
        changeKey(store, directory, signed, await innerSigned(signed)),
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
      'order/{order_id:uuid}',
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
      'order/{order_id:uuid}/finalize',
      'Hands in the request of an order.',
      ['order_id'],
      accountResource(({ store, directory, signed, request }, account) =>
        finalize(ports, request, store, directory, account, signed, request.fields.order_id ?? ''),
      ),
    ],
    [
      'order/{order_id:uuid}/cert',
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
        operations: { update: { summary: 'Make a key for an account', handler: newEab(ports) } },
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

  return [...eabPaths(), ...acmeConfigPaths(), ...directories];
}
