/** LDAP: people whom a directory knows. Nothing of their passwords stays here but what a renewal needs, sealed. */
import type { Random } from '../../base/random.ts';
import { LdapError, connectLdap } from '../../ldap/connection.ts';
import { USERNAME_LENGTH_MAX, canonicalName } from '../../ldap/names.ts';
import { definePath } from '../../model/backend.ts';
import type { AuthRenewal, Backend, Path } from '../../model/backend.ts';
import { RequestError, invalidRequest } from '../../model/errors.ts';
import type { Request } from '../../model/request.ts';
import type { Reader, Transaction } from '../../model/transaction.ts';
import { openedPassword, sealedPassword } from '../sealed-password.ts';
import {
  checkAddress,
  grantOf,
  makesBatchTokens,
  renewalOf,
  samePolicies,
} from '../token-fields.ts';
import { configOf, configPath, connectionSettings, putConfig } from './config.ts';
import type { LdapConfig } from './config.ts';
import { bindAccount, identified } from './directory.ts';
import { mapped, mappingPaths } from './mappings.ts';
import type { Mapped } from './mappings.ts';
import { derivedPassword } from './root-password.ts';
import type { Reply } from '../../model/reply.ts';

export interface LdapPorts {
  readonly random: Random;
}

interface LoginFields {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const REFUSAL = 'ldap operation failed: failed to bind as user';
const PASSWORD_LENGTH_MAX = 1024;

/** Whatever is wrong, the caller hears the same (CVE-2020-35177, CVE-2023-3462). */
function refused(error: LdapError): RequestError {
  return invalidRequest(REFUSAL, {
    detail: error.message,
    invalidCredentials: error.wrongCredentials,
  });
}

interface Judged extends Mapped {
  readonly alias: string;
}

async function judged(
  store: Reader,
  config: LdapConfig,
  username: string,
  password: string,
): Promise<Judged> {
  const found = await identified(config, username, password);
  const foldCase = !config.case_sensitive_names;
  return { alias: found.name, ...(await mapped(store, username, found.groups, { foldCase })) };
}

async function login(
  request: Request<LoginFields>,
  store: Transaction,
  random: Random,
): Promise<Reply> {
  const config = await configOf(store);
  checkAddress(config.settings, request.connection);
  const { username: given = '', password = '' } = request.fields;
  const username = canonicalName(given, { foldCase: !config.case_sensitive_names });
  // An unauthenticated bind (RFC 4513 §5.1.2) succeeds for everybody.
  if (password === '') {
    throw invalidRequest(
      'password cannot be of zero length when passwordless binds are being denied',
    );
  }
  if (
    username === '' ||
    username.length > USERNAME_LENGTH_MAX ||
    password.length > PASSWORD_LENGTH_MAX
  )
    throw refused(new LdapError('the name or password is too long', { wrongCredentials: true }));
  let person: Judged;
  try {
    person = await judged(store, config, username, password);
  } catch (error) {
    throw error instanceof LdapError ? refused(error) : error;
  }
  const grant = grantOf(config.settings, request.connection);
  const batch = makesBatchTokens(grant, request.mount);
  const warnings =
    person.groups.length === 0
      ? [
          `no LDAP groups found in groupDN ${JSON.stringify(config.groupdn)}; only policies from locally-defined groups available`,
        ]
      : [];
  return {
    warnings,
    data: {},
    auth: {
      ...grant,
      policies: [...grant.policies, ...person.policies],
      displayName: username,
      metadata: { username },
      alias: { name: person.alias, metadata: { name: username } },
      groupAliases: person.groups,
      // A renewal asks the directory again; a batch token is never renewed.
      internal: batch ? {} : await sealedPassword(store, random, password, username),
    },
  };
}

/** The directory must still accept the password, and give the same policies (CVE-2020-10660). */
async function renewAuth(
  renewal: AuthRenewal,
  store: Reader,
): Promise<ReturnType<typeof renewalOf> & { readonly groupAliases: readonly string[] }> {
  const config = await configOf(store);
  const username = renewal.metadata['username'] ?? '';
  const password = await openedPassword(store, renewal, username);
  let person: Judged;
  try {
    person = await judged(store, config, username, password);
  } catch (error) {
    if (!(error instanceof LdapError)) throw error;
    throw invalidRequest('failed to renew entry: the directory does not accept the user any more', {
      detail: error.message,
    });
  }
  const policies = [...config.settings.token_policies, ...person.policies];
  if (!samePolicies({ ...config.settings, token_policies: policies }, renewal.policies))
    throw invalidRequest('failed to renew entry: policies have changed, not renewing');
  return { ...renewalOf(config.settings), groupAliases: person.groups };
}

/** The new password is the account's before it is ours; that it may be is told to every bind (`bindPasswords`). */
async function rotateRoot(_request: Request<object>, store: Transaction): Promise<undefined> {
  const config = await configOf(store);
  if (config.binddn === '' || config.bindpass === '')
    throw invalidRequest('binddn and bindpass must be configured to rotate the root credential');
  const count = config.rotation.count + 1;
  const password = derivedPassword(config.rotation.key, count);
  try {
    const connection = await connectLdap(connectionSettings(config));
    try {
      const before = await bindAccount(connection, config);
      if (before !== password) await connection.changePassword(config.binddn, before, password);
    } finally {
      await connection.close();
    }
  } catch (error) {
    if (!(error instanceof LdapError)) throw error;
    throw new RequestError('upstream_failed', 'the directory did not change the password', {
      detail: error.message,
    });
  }
  putConfig(store, { ...config, bindpass: password, rotation: { ...config.rotation, count } });
}

function loginPath(random: Random): Path {
  return definePath({
    pattern: 'login/{username..+}',
    fields: {
      username: { kind: 'string', description: 'Name of the user.' },
      password: { kind: 'string', description: 'Password of the user.', sensitive: true },
    },
    help: { synopsis: 'Logs in with a name and a password of the directory.' },
    unauthenticated: true,
    login: true,
    operations: {
      update: {
        summary: 'Log in',
        handler: (request, store) => login(request, store, random),
        outsideEffects: true,
      },
    },
  });
}

export function ldapBackend({ random }: LdapPorts): Backend {
  return {
    type: 'ldap',
    kind: 'auth',
    summary: 'People whom a directory knows.',
    openPlaces: ['login/'],
    paths: [
      configPath(random),
      definePath({
        pattern: 'config/rotate-root',
        fields: {},
        help: { synopsis: 'Changes the password of the account that searches the directory.' },
        operations: {
          update: {
            summary: 'Rotate the password of the bind account',
            handler: rotateRoot,
            outsideEffects: true,
          },
        },
      }),
      ...mappingPaths,
      loginPath(random),
    ],
    renewAuth,
    // Whether case counts is not known here: a lock on all spellings keeps nobody in.
    loginName: ({ fields }) =>
      canonicalName((fields['username'] as string | undefined) ?? '', { foldCase: true }),
  };
}
