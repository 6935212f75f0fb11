/** RADIUS: people whose names and passwords a RADIUS server judges. */
import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { USERNAME_LENGTH_MAX, canonicalName } from '../../ldap/names.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend, Path } from '../../model/backend.ts';
import { invalidRequest } from '../../model/errors.ts';
import type { RequestError } from '../../model/errors.ts';
import { entryPaths } from '../../model/listing/entry-paths.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { nameOfSegment, policiesOf, segmentOf } from '../named-policies.ts';
import { openedPassword, sealedPassword } from '../sealed-password.ts';
import {
  checkAddress,
  grantOf,
  makesBatchTokens,
  renewalOf,
  samePolicies,
} from '../token-fields.ts';
import { configOf, configPath, serverOf } from './config.ts';
import type { RadiusConfig } from './config.ts';
import { RadiusError, asked } from './exchange.ts';
import type { ExchangePorts } from './exchange.ts';
import type { Reply } from '../../model/reply.ts';

export interface RadiusPorts {
  readonly clock: Clock;
  readonly random: Random;
}

interface User {
  readonly policies: readonly string[];
}

interface LoginFields {
  readonly urlusername?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const REFUSAL = 'access denied by the authentication server';
const USERS = 'user/';

/** Whatever is wrong, the caller hears the same. */
function refused({ message, wrongCredentials }: RadiusError): RequestError {
  return invalidRequest(REFUSAL, { detail: message, invalidCredentials: wrongCredentials });
}

/** Where a user is kept, in the form in which names are compared. */
function keyOf(name: string): string {
  return segmentOf(canonicalName(name, { foldCase: true }));
}

function givenName({ username = '', urlusername = '' }: LoginFields): string {
  return username === '' ? urlusername : username;
}

/** The policies of somebody whom the server knows. @throws {RadiusError} */
async function judged(
  store: Reader,
  config: RadiusConfig,
  { username, password }: { readonly username: string; readonly password: string },
  ports: ExchangePorts,
): Promise<readonly string[]> {
  const { nas_port: nasPort, nas_identifier: nasIdentifier } = config;
  const wish = { username, password, nasPort, nasIdentifier };
  const verdict = await asked(serverOf(config), wish, ports);
  if (verdict !== 'accept') {
    const said = verdict === 'reject' ? 'refuses the login' : 'asks for more than a password';
    throw new RadiusError(`the server ${said}`, { wrongCredentials: verdict === 'reject' });
  }
  const user = await store.getRecord<User>(USERS + keyOf(username));
  return user?.policies ?? config.unregistered_user_policies;
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  ports: RadiusPorts,
): Promise<Reply> {
  const config = await configOf(store);
  if (config === undefined) throw invalidRequest('radius backend not configured');
  checkAddress(config.settings, request.connection);
  const username = givenName(request.fields);
  const { password = '' } = request.fields;
  if (username === '') throw invalidRequest('username cannot be empty');
  if (password === '') throw invalidRequest('password cannot be empty');
  const name = canonicalName(username, { foldCase: true });
  if (name === '' || username.length > USERNAME_LENGTH_MAX)
    throw refused(new RadiusError('that is no name', { wrongCredentials: true }));
  let policies: readonly string[];
  try {
    policies = await judged(store, config, { username, password }, ports);
  } catch (error) {
    throw error instanceof RadiusError ? refused(error) : error;
  }
  const grant = grantOf(config.settings, request.connection);
  const batch = makesBatchTokens(grant, request.mount);
  return {
    auth: {
      ...grant,
      policies: [...grant.policies, ...policies],
      displayName: username,
      metadata: { username, policies: policies.join(',') },
      alias: { name },
      internal: batch ? {} : await sealedPassword(store, ports.random, password, username),
    },
  };
}

/** The server must still accept the password, and the policies must be the same. */
async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
  ports: RadiusPorts,
): Promise<ReturnType<typeof renewalOf>> {
  const config = await configOf(store);
  if (config === undefined) throw invalidRequest('radius backend not configured');
  const username = renewal.metadata['username'] ?? '';
  const password = await openedPassword(store, renewal, username);
  let policies: readonly string[];
  try {
    policies = await judged(store, config, { username, password }, ports);
  } catch (error) {
    if (!(error instanceof RadiusError)) throw error;
    throw invalidRequest('failed to renew entry: the server does not accept the user any more', {
      detail: error.message,
    });
  }
  const all = [...config.settings.token_policies, ...policies];
  if (!samePolicies({ ...config.settings, token_policies: all }, renewal.policies))
    throw invalidRequest('failed to renew entry: policies have changed, not renewing');
  return renewalOf(config.settings);
}

const userPaths: readonly Path[] = entryPaths({
  folder: 'users',
  parameter: 'name',
  matches: '..+',
  prefix: USERS,
  nameOf: nameOfSegment,
  one: 'user',
  many: 'users',
  fields: {
    name: { kind: 'string', description: 'Name of the user, as the server knows it.' },
    policies: { kind: 'comma_string_list', description: 'Policies of the user.', default: [] },
  },
  description: 'Those who are not named here have unregistered_user_policies.',
  tellsCreate: true,
  read: async (store, name) => {
    const user = await store.getRecord<User>(USERS + keyOf(name));
    return user === undefined ? undefined : { policies: user.policies };
  },
  write: (request, store) => {
    const { name = '', policies } = request.fields;
    if (keyOf(name) === '') throw invalidRequest('invalid name');
    store.putJson(USERS + keyOf(name), { policies: policiesOf(policies) } satisfies User);
    return undefined;
  },
  remove: (store, name) => Promise.resolve(store.delete(USERS + keyOf(name))),
});

function loginPaths(ports: RadiusPorts): readonly Path[] {
  const fields = {
    urlusername: { kind: 'string', description: 'Name of the user, in the path.' },
    username: { kind: 'string', description: 'Name of the user, in the body.' },
    password: { kind: 'string', description: 'Password of the user.', sensitive: true },
  } as const;
  const { urlusername: _inPath, ...inBody } = fields;
  const path = (pattern: string, has: typeof fields | typeof inBody): Path =>
    definePath({
      pattern,
      fields: has,
      help: { synopsis: 'Logs in with a name and a password that the server knows.' },
      unauthenticated: true,
      login: true,
      operations: {
        update: {
          summary: 'Log in',
          handler: (request: Request<LoginFields>, store: Transaction) =>
            login(request, store, ports),
          outsideEffects: true,
        },
      },
    });
  return [path('login', inBody), path('login/{urlusername..+}', fields)];
}

export function radiusBackend(ports: RadiusPorts): Backend {
  return {
    type: 'radius',
    kind: 'auth',
    summary: 'People whom a RADIUS server knows.',
    openPlaces: ['login/'],
    paths: [configPath, ...userPaths, ...loginPaths(ports)],
    renewAuth: async (renewal, store) => await renewAuth(renewal, store, ports),
    loginName: ({ fields }) => canonicalName(givenName(fields), { foldCase: true }),
  };
}
