/** `static-account` and `impersonated-account`: service accounts that exist, and what is made of them. */
import { definePath } from '../../model/backend.ts';
import type { Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import { listPath } from '../../model/listing/list-path.ts';
import type { Reader } from '../../model/transaction.ts';

export const KINDS = ['static-account', 'impersonated-account'] as const;
export type Kind = (typeof KINDS)[number];
const SCOPES_MAX = 100;
/** Longest life of an impersonated token, without a policy that says more. */
const TOKEN_SECONDS_MAX = 43_200;
const TOKEN_SECONDS_DEFAULT = 3600;

export interface Account {
  readonly email: string;
  readonly secretType: 'access_token' | 'service_account_key';
  readonly scopes: readonly string[];
  readonly ttlSeconds: number;
}

export const NAME = {
  kind: 'string',
  description: 'Name of the account here.',
  default: '',
} as const;

const FIELDS = {
  name: NAME,
  service_account_email: { kind: 'string', description: 'The service account.' },
  secret_type: {
    kind: 'string',
    description: 'Which kind: access_token (the default) or service_account_key.',
  },
  token_scopes: { kind: 'comma_string_list', description: 'Scopes of access tokens.' },
  ttl: { kind: 'duration_seconds', description: 'How long access tokens live.' },
} as const;

/** It goes into paths of the API. */
const EMAIL = /^[a-z0-9][a-z0-9._-]{0,127}@[a-z0-9.-]{1,127}\.gserviceaccount\.com$/;

export async function findAccount(
  store: Reader,
  kind: Kind,
  name: string,
): Promise<Account | undefined> {
  return await store.getRecord<Account>(`${kind}/${name}`);
}

/** @throws {RequestError} */
export async function accountOf(store: Reader, kind: Kind, name: string): Promise<Account> {
  const account = await findAccount(store, kind, name);
  if (account === undefined) throw invalidRequest(`${kind} "${name}" does not exist`);
  return account;
}

export function accountPaths(): readonly Path[] {
  return KINDS.flatMap((kind) => [
    listPath(`${kind}s/`, `${kind}/`, `what ${kind} has`),
    definePath({
      pattern: `${kind}/{name}`,
      fields: FIELDS,
      help: {
        synopsis: 'A service account that exists, and what is made of it.',
        description: 'Its roles in Google Cloud are given there, not here.',
      },
      operations: {
        read: {
          summary: 'Read an account',
          handler: async ({ fields }, store) => {
            const account = await findAccount(store, kind, fields.name);
            return account === undefined ? undefined : { data: shown(kind, account) };
          },
        },
        update: {
          summary: 'Write an account',
          handler: async ({ fields }, store) => {
            const before = await findAccount(store, kind, fields.name);
            const type = fields.secret_type ?? before?.secretType ?? 'access_token';
            if (
              type !== 'access_token' &&
              (kind !== 'static-account' || type !== 'service_account_key')
            ) {
              throw invalidRequest('secret_type is none that this kind of account has');
            }
            const account: Account = {
              email: fields.service_account_email ?? before?.email ?? '',
              secretType: type,
              scopes: fields.token_scopes ?? before?.scopes ?? [],
              ttlSeconds: fields.ttl ?? before?.ttlSeconds ?? TOKEN_SECONDS_DEFAULT,
            };
            check(account);
            store.putJson(`${kind}/${fields.name}`, account);
            return undefined;
          },
        },
        delete: {
          summary: 'Forget an account; its keys end with their leases',
          handler: ({ fields }, store) => {
            store.delete(`${kind}/${fields.name}`);
            return undefined;
          },
        },
      },
    }),
  ]);
}

function check(account: Account): void {
  if (!EMAIL.test(account.email)) throw invalidRequest('service_account_email is none');
  if (account.secretType === 'access_token' && account.scopes.length === 0) {
    throw invalidRequest('token_scopes are required for access tokens');
  }
  const good = account.scopes.every((scope) => /^https:\/\/[\w./-]{1,256}$/.test(scope));
  if (!good || account.scopes.length > SCOPES_MAX) throw invalidRequest('token_scopes are none');
  if (account.ttlSeconds < 1 || account.ttlSeconds > TOKEN_SECONDS_MAX) {
    throw invalidRequest(`ttl must be within 1 and ${TOKEN_SECONDS_MAX} seconds`);
  }
}

function shown(kind: Kind, account: Account): Readonly<Record<string, unknown>> {
  return {
    service_account_email: account.email,
    service_account_project: account.email.slice(account.email.indexOf('@') + 1).split('.')[0],
    token_scopes: account.scopes,
    ttl: account.ttlSeconds,
    ...(kind === 'static-account' ? { secret_type: account.secretType } : {}),
  };
}
