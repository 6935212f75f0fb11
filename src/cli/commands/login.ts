/** login: gets a token from an auth method, keeps it and prints it. */
import type { Client } from '../../client/client.ts';
import { isJsonObject, type JsonValue } from '../../client/json.ts';
import type { Secret } from '../../client/secret.ts';
import { parseBoolean, readVariable } from '../../client/environment.ts';
import {
  attempt,
  CommandFailure,
  EXIT_LOCAL,
  EXIT_OK,
  EXIT_SERVER,
  type Invocation,
} from '../command.ts';
import { asStrings, readPairs } from '../key-values.ts';
import { validateLogin } from '../login/mfa.ts';
import { LOGIN_METHODS, OIDC_METHOD, loginBody, type LoginMethod } from '../login/methods.ts';
import { browserLogin } from '../login/oidc.ts';
import { cleanPath } from '../paths.ts';
import { wrapText } from '../render/columns.ts';
import { printField, printSecret, say } from '../render/output.ts';
import { secretField } from '../render/secret.ts';
import { warn } from '../terminal.ts';

export async function login(invocation: Invocation): Promise<number> {
  const { flags, terminal } = invocation;
  const tokenOnly = flags.boolean('token-only');
  const noStore = tokenOnly || flags.boolean('no-store');
  if (noStore && flags.boolean('no-print')) {
    throw new CommandFailure(EXIT_LOCAL, '-no-store and -no-print cannot be used together');
  }
  const client = await invocation.session.newcomer();
  let answer = await authenticate(invocation, client);
  if (answer.auth?.mfaRequirement !== undefined) {
    answer = (await validateLogin(invocation, client, answer)) ?? answer;
  }
  if (answer.auth?.mfaRequirement !== undefined) {
    warnOfEnvironmentToken(invocation);
    warn(terminal, 'This login still needs its second factor: validate it at sys/mfa/validate.\n');
    return printSecret(invocation, answer);
  }
  const secret = await openWrapped(client, answer, !noStore);
  if (secret.wrapInfo !== undefined) {
    return tokenOnly
      ? printField(invocation, secret.wrapInfo.token, 'wrapping_token')
      : printSecret(invocation, secret);
  }
  const token = secret.auth?.clientToken;
  if (token === undefined) {
    throw new CommandFailure(EXIT_SERVER, 'The answer to the login holds no token.');
  }
  if (!noStore) await storeToken(invocation, token, secret);
  else if (!tokenOnly) {
    warn(
      terminal,
      `${wrapText('The token was not stored. Set the VAULT_TOKEN environment variable, or pass the token below with each request.')}\n`,
    );
  }
  if (flags.boolean('no-print')) return EXIT_OK;
  const field = tokenOnly ? 'token' : flags.text('field');
  if (field !== '') return printField(invocation, secretField(secret, field), field);
  if (invocation.format === 'table') {
    say(
      invocation,
      `${wrapText(noStore ? 'Success! You are now authenticated.' : 'Success! You are now authenticated. The token shown below is kept for later commands, so there is no need to log in again.')}\n`,
    );
  }
  return printSecret(invocation, secret);
}

async function storeToken(invocation: Invocation, token: string, secret: Secret): Promise<void> {
  try {
    await (await invocation.session.tokenHelper()).store(token);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown error';
    warn(
      invocation.terminal,
      'The login went well, but the token could not be kept. It is shown below.\n',
    );
    await printSecret(invocation, secret);
    throw new CommandFailure(EXIT_SERVER, `Error storing token: ${reason}`);
  }
  warnOfEnvironmentToken(invocation);
}

/** A token in the environment wins over the one just kept, which surprises people. */
function warnOfEnvironmentToken(invocation: Invocation): void {
  if (readVariable(invocation.terminal.environment, 'TOKEN') === undefined) return;
  warn(
    invocation.terminal,
    `${wrapText('WARNING! The VAULT_TOKEN environment variable (or its twin) is set and takes precedence over the token of this login; unset or update it if that is not intended.')}\n`,
  );
}

async function authenticate(invocation: Invocation, client: Client): Promise<Secret> {
  const { flags } = invocation;
  const name = cleanPath(flags.text('method')) || 'token';
  let pairs = invocation.args;
  if (name === 'token') {
    const first = pairs[0];
    if (first !== undefined && !first.includes('=')) pairs = [`token=${first}`, ...pairs.slice(1)];
    const values = asStrings(await readPairs(invocation, pairs, 'Error parsing configuration'));
    return attempt('Error authenticating', tokenLogin(invocation, client, values));
  }
  if (name === OIDC_METHOD.name) {
    const values = asStrings(await readPairs(invocation, pairs, 'Error parsing configuration'));
    const mount = cleanPath(values['mount'] ?? flags.text('path')) || name;
    const ports = { terminal: invocation.terminal, client: client.with({ token: undefined }) };
    const given = new Map(Object.entries(values));
    return attempt('Error authenticating', browserLogin(ports, mount, given));
  }
  const method = LOGIN_METHODS.find((known) => known.name === name);
  if (method === undefined) {
    throw new CommandFailure(
      EXIT_LOCAL,
      wrapText(
        `Unknown auth method: ${name}. "strongroom auth list" shows the methods of the server; some can be used through the HTTP API only.`,
      ),
    );
  }
  const given = asStrings(await readPairs(invocation, pairs, 'Error parsing configuration'));
  return attempt('Error authenticating', methodLogin(invocation, client, method, given));
}

async function methodLogin(
  invocation: Invocation,
  client: Client,
  method: LoginMethod,
  given: Readonly<Record<string, string>>,
): Promise<Secret> {
  const { environment } = invocation.terminal;
  const values = new Map(Object.entries(given));
  for (const value of method.values) {
    if ((values.get(value.name) ?? '') !== '') continue;
    const variable = value.variables?.find((name) => (environment[name] ?? '') !== '');
    if (variable !== undefined) values.set(value.name, environment[variable] ?? '');
    else if (value.secret === true) values.set(value.name, await ask(invocation, value.name));
    else if (value.required === true) throw new Error(`'${value.name}' must be specified`);
  }
  const mount = cleanPath(given['mount'] ?? invocation.flags.text('path')) || method.name;
  // The token of an earlier login has no say in a new one.
  const answer = await client
    .with({ token: undefined })
    .write(`auth/${mount}/${method.path(values)}`, loginBody(method, values));
  if (answer === undefined) throw new Error('empty response from credential provider');
  return answer;
}

async function ask(invocation: Invocation, name: string): Promise<string> {
  if (invocation.flags.boolean('non-interactive')) {
    throw new Error(`'${name}' must be specified and refusing to pull from stdin`);
  }
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  try {
    return await invocation.terminal.askSecret(`${title} (will be hidden): `);
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'InterruptedError') throw cause;
    throw new Error(
      `there is no terminal to ask for the ${name} on; give it as ${name}=VALUE, or as ${name}=- on standard input`,
      { cause },
    );
  }
}

async function tokenLogin(
  invocation: Invocation,
  client: Client,
  given: Readonly<Record<string, string>>,
): Promise<Secret> {
  const lookup = parseBoolean(given['lookup'] ?? 'true');
  if (lookup === undefined) throw new Error('Failed to parse "lookup" as boolean');
  const token = (given['token'] ?? (await ask(invocation, 'token'))).trim();
  if (token === '') throw new Error('a token must be passed to auth');
  if (!lookup) return tokenSecret(token, {});
  const secret = await client
    .with({ token, wrapTtl: undefined })
    .get('auth/token/lookup-self')
    .catch((cause: unknown) => {
      if (cause instanceof Error) throw new Error(`error looking up token: ${cause.message}`);
      throw cause;
    });
  if (secret?.data === undefined) throw new Error('empty response from lookup-self');
  return tokenSecret(token, secret.data);
}

/** A lookup, in the shape of a login. */
function tokenSecret(token: string, data: { readonly [key: string]: JsonValue }): Secret {
  const list = (name: string): string[] | undefined => {
    const value = data[name];
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
  };
  const metadata = data['meta'];
  const accessor = data['accessor'];
  const ttl = data['ttl'];
  const own = list('policies');
  const identity = list('identity_policies');
  return {
    requestId: '',
    leaseId: '',
    leaseDurationSeconds: 0,
    renewable: false,
    data: undefined,
    warnings: undefined,
    wrapInfo: undefined,
    auth: {
      clientToken: token,
      accessor: typeof accessor === 'string' ? accessor : '',
      policies: [...new Set([...(own ?? []), ...(identity ?? [])])],
      tokenPolicies: own,
      identityPolicies: identity,
      metadata: isJsonObject(metadata) ? metadata : undefined,
      orphan: false,
      entityId: '',
      leaseDurationSeconds: typeof ttl === 'number' ? ttl : 0,
      renewable: data['renewable'] === true,
      mfaRequirement: undefined,
    },
  };
}

/** Opens wrapped logins one inside the other, as deep as this. */
const WRAPPINGS_MAX = 4;

async function openWrapped(client: Client, answer: Secret, unwrap: boolean): Promise<Secret> {
  let secret: Secret | undefined = answer;
  for (let depth = 0; depth < WRAPPINGS_MAX; depth++) {
    if (secret === undefined) break;
    if (secret.auth !== undefined) return secret;
    const wrap = secret.wrapInfo;
    if (wrap === undefined || wrap.wrappedAccessor === '') break;
    if (!unwrap) return secret;
    const opener = client.with({ token: wrap.token, wrapTtl: undefined });
    secret = await attempt('Error extracting token', opener.unwrap());
  }
  throw new CommandFailure(
    EXIT_SERVER,
    'Error extracting token: no auth or wrapping info in response',
  );
}
