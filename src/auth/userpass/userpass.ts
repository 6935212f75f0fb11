/** Userpass: people who log in with a name and a password that are kept here. Names fold to lower case. */
import type { Random } from '../../base/random.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend, Path } from '../../model/backend.ts';
import { invalidRequest, notFound } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Stored, Transaction } from '../../model/transaction.ts';
import { entryPaths } from '../../model/listing/entry-paths.ts';
import {
  FRESH_TOKEN_SETTINGS,
  TOKEN_FIELDS,
  checkAddress,
  grantOf,
  mergeTokenSettings,
  oldFields,
  policySet,
  renewalOf,
  samePolicies,
  shownTokenSettings,
} from '../token-fields.ts';
import type { TokenSettings } from '../token-fields.ts';
import { DUMMY_HASH, hashPassword, verifyPassword } from './password-hash.ts';
import type { PasswordHash } from './password-hash.ts';
import type { Reply } from '../../model/reply.ts';

export interface UserpassPorts {
  readonly random: Random;
}

/** Longest password, in bytes: the reference's, whose users can come over either way. */
export const PASSWORD_BYTES_MAX: number = 72;

const OLD_NAMES = {
  policies: 'token_policies',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  bound_cidrs: 'token_bound_cidrs',
} as const;

const USERS = 'user/';
/** What the segment of a user's path may hold. */
const USERNAME = /^\w(?:[\w.-]*\w)?$/;
const REFUSAL = 'invalid username or password';
const NO_USER = '1 error occurred:\n\t* username does not exist\n\n';

interface User {
  readonly settings: TokenSettings;
  readonly password: PasswordHash;
}

const username = { kind: 'lower_string', description: 'Name of the user.' } as const;
const password = {
  kind: 'string',
  description: 'Password of the user.',
  sensitive: true,
} as const;

const userFields = { username, password, ...TOKEN_FIELDS, ...oldFields(OLD_NAMES) } as const;
const policyFields = {
  username,
  token_policies: TOKEN_FIELDS.token_policies,
  ...oldFields({ policies: 'token_policies' }),
} as const;

/** Never through the cache of decoded records: it holds a password's hash. */
async function userOf(store: Reader, name: string): Promise<User | undefined> {
  return await store.getJson<User>(USERS + name);
}

function refused(detail: string): RequestError {
  return invalidRequest(REFUSAL, { detail, invalidCredentials: true });
}

async function newHash(text: string, random: Random): Promise<PasswordHash> {
  if (Buffer.byteLength(text) > PASSWORD_BYTES_MAX) {
    throw invalidRequest(
      `1 error occurred:\n\t* password length exceeds ${PASSWORD_BYTES_MAX} bytes\n\n`,
      { vaultStatus: 500 },
    );
  }
  return await hashPassword(text, random);
}

async function login(
  request: Request<{
    readonly username: string | undefined;
    readonly password: string | undefined;
  }>,
  store: Transaction,
): Promise<Reply> {
  const name = request.fields.username ?? '';
  if (!USERNAME.test(name)) throw notFound('unsupported path');
  const given = request.fields.password ?? '';
  if (given === '') throw invalidRequest('missing password', { vaultStatus: 500 });
  const user = await userOf(store, name);
  // The same work for a user that does not exist (CVE-2025-6011, CVE-2025-54999).
  const isTooLong = Buffer.byteLength(given) > PASSWORD_BYTES_MAX;
  const fits = await verifyPassword(
    isTooLong ? '' : given,
    isTooLong ? DUMMY_HASH : (user?.password ?? DUMMY_HASH),
  );
  const matches = fits && !isTooLong;
  if (user === undefined) throw refused('there is no such user');
  if (!matches) throw refused('the password is wrong');
  checkAddress(user.settings, request.connection);
  return {
    auth: {
      ...grantOf(user.settings, request.connection),
      displayName: name,
      metadata: { username: name },
      alias: { name },
    },
  };
}

async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf>> {
  const user = await userOf(store, renewal.metadata['username'] ?? '');
  if (user === undefined) throw invalidRequest('failed to renew entry: the user no longer exists');
  if (!samePolicies(user.settings, renewal.policies)) {
    throw invalidRequest('failed to renew entry: policies have changed, not renewing');
  }
  return renewalOf(user.settings);
}

function shown(user: Stored<User>): Record<string, unknown> {
  return shownTokenSettings(user.settings, OLD_NAMES);
}

function paths({ random }: UserpassPorts): readonly Path[] {
  async function writeUser(
    request: Request<{
      readonly username: string | undefined;
      readonly password: string | undefined;
    }>,
    store: Transaction,
  ): Promise<undefined> {
    const name = request.fields.username ?? '';
    const before = await userOf(store, name);
    const given = request.fields.password ?? '';
    if (before === undefined && given === '') throw invalidRequest('missing password');
    const settings = mergeTokenSettings(
      before?.settings ?? FRESH_TOKEN_SETTINGS,
      request.fields,
      OLD_NAMES,
      { oldTtlsUnordered: true },
    );
    if (before !== undefined && request.fields.password === undefined) {
      store.putJson(USERS + name, { settings, password: before.password });
      return;
    }
    if (given === '') throw invalidRequest('missing password');
    store.putJson(USERS + name, { settings, password: await newHash(given, random) });
  }

  return [
    ...entryPaths({
      folder: 'users',
      parameter: 'username',
      prefix: USERS,
      one: 'user',
      many: 'users',
      fields: userFields,
      description:
        'Deleting a user does not revoke the tokens of earlier logins; they cannot be renewed any more.',
      tellsCreate: true,
      async read(store, name) {
        const user = await userOf(store, name);
        return user === undefined ? undefined : shown(user);
      },
      write: writeUser,
    }),
    definePath({
      pattern: 'users/{username}/password',
      fields: { username, password },
      help: { synopsis: 'Changes the password of a user.' },
      operations: {
        update: {
          summary: 'Change a password',
          handler: async (request, store) => {
            const name = request.fields.username ?? '';
            const user = await userOf(store, name);
            if (user === undefined) throw invalidRequest(NO_USER, { vaultStatus: 500 });
            const given = request.fields.password ?? '';
            if (given === '') throw invalidRequest('missing password');
            store.putJson(USERS + name, { ...user, password: await newHash(given, random) });
            return undefined;
          },
        },
      },
    }),
    definePath({
      pattern: 'users/{username}/policies',
      fields: policyFields,
      help: { synopsis: 'Changes the policies of a user.' },
      operations: {
        update: {
          summary: 'Change the policies of a user',
          handler: async (request, store) => {
            const name = request.fields.username ?? '';
            const user = await userOf(store, name);
            if (user === undefined) throw invalidRequest(NO_USER, { vaultStatus: 500 });
            const { token_policies: policies } = request.fields;
            const wish =
              policies === undefined
                ? request.fields
                : { ...request.fields, token_policies: policySet(policies) };
            const settings = mergeTokenSettings(user.settings, wish, OLD_NAMES);
            store.putJson(USERS + name, { ...user, settings });
            return undefined;
          },
        },
      },
    }),
    definePath({
      // Any segment, so that a name that cannot be is told so without a token, as in the reference.
      pattern: 'login/{username:any}',
      fields: { username, password },
      help: { synopsis: 'Logs in with a name and a password.' },
      unauthenticated: true,
      login: true,
      operations: { update: { summary: 'Log in', handler: login } },
    }),
  ];
}

/** The auth method. */
export function userpassBackend(ports: UserpassPorts): Backend {
  return {
    type: 'userpass',
    kind: 'auth',
    summary: 'Users who log in with a name and a password.',
    openPlaces: ['login/'],
    paths: paths(ports),
    renewAuth,
    loginName: (request) => request.fields['username'] as string | undefined,
  };
}
