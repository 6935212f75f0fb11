/** How each auth method is logged in to: what it asks for, and which path takes it. */
import type { JsonObject } from '../../client/json.ts';

export interface LoginMethod {
  /** Named in `-method`, and the default mount. */
  readonly name: string;
  readonly about: string;
  /** The values it reads, all from `key=value` arguments. */
  readonly values: readonly LoginValue[];
  /** The path below the mount. */
  readonly path: (values: ReadonlyMap<string, string>) => string;
  /** Names sent in the body, in this order, when they have a value. */
  readonly body: readonly string[];
}

export interface LoginValue {
  readonly name: string;
  readonly about: string;
  readonly required?: boolean;
  /** Asked for on the terminal when missing. */
  readonly secret?: boolean;
  /** Environment variables that give it when the arguments do not. */
  readonly variables?: readonly string[];
}

const USERNAME: LoginValue = { name: 'username', required: true, about: 'Name of the user.' };
const PASSWORD: LoginValue = {
  name: 'password',
  required: true,
  secret: true,
  about: 'Password. Without it, the terminal asks.',
};
const userPath = (values: ReadonlyMap<string, string>): string =>
  `login/${values.get('username') ?? ''}`;
const loginPath = (): string => 'login';

export const LOGIN_METHODS: readonly LoginMethod[] = [
  {
    name: 'userpass',
    about: 'A name and a password that the server itself keeps.',
    values: [USERNAME, PASSWORD],
    path: userPath,
    body: ['password'],
  },
  {
    name: 'ldap',
    about: 'A name and a password that a directory checks.',
    values: [
      { ...USERNAME, variables: ['LOGNAME', 'USER'] },
      { ...PASSWORD, variables: ['BAO_LDAP_PASSWORD', 'VAULT_LDAP_PASSWORD'] },
    ],
    path: userPath,
    body: ['password'],
  },
  {
    name: 'radius',
    about: 'A name and a password that a RADIUS server checks.',
    values: [USERNAME, PASSWORD],
    path: userPath,
    body: ['password'],
  },
  {
    name: 'approle',
    about: 'A role ID and a secret ID, for programs.',
    values: [
      { name: 'role_id', required: true, about: 'ID of the role.' },
      { name: 'secret_id', about: 'Secret ID, unless the role does without.' },
    ],
    path: loginPath,
    body: ['role_id', 'secret_id'],
  },
  {
    name: 'cert',
    about: 'The client certificate of -client-cert and -client-key.',
    values: [{ name: 'name', about: 'Name of the one certificate role to try.' }],
    path: loginPath,
    body: ['name'],
  },
  {
    name: 'jwt',
    about: 'A signed token of another system.',
    values: [
      { name: 'role', about: 'Role to log in to, unless there is a default.' },
      { name: 'jwt', required: true, secret: true, about: 'The signed token.' },
    ],
    path: loginPath,
    body: ['role', 'jwt'],
  },
  {
    name: 'kubernetes',
    about: 'The token of a Kubernetes service account.',
    values: [
      { name: 'role', required: true, about: 'Role to log in to.' },
      { name: 'jwt', required: true, secret: true, about: 'Token of the service account.' },
    ],
    path: loginPath,
    body: ['role', 'jwt'],
  },
];

/** Needs a browser: `oidc.ts`. */
export const OIDC_METHOD: LoginMethod = {
  name: 'oidc',
  about: 'A browser, at an OpenID provider that the server knows.',
  values: [
    { name: 'role', about: 'Role to log in to, unless there is a default.' },
    {
      name: 'callbackmode',
      about:
        'How the browser comes back: client (to this command, the default), direct (to the server) or device (not at all).',
    },
    {
      name: 'listenaddress',
      about: 'Address to listen at in the mode client (default: localhost).',
    },
    { name: 'port', about: 'Port to listen at in the mode client (default: 8250).' },
    {
      name: 'callbackmethod',
      about: 'Scheme of the redirect URI (default: http; of the server in the mode direct).',
    },
    {
      name: 'callbackhost',
      about: 'Host of the redirect URI (default: localhost; of the server in the mode direct).',
    },
    {
      name: 'callbackport',
      about: 'Port of the redirect URI (default: that of port; of the server in the mode direct).',
    },
    { name: 'skip_browser', about: 'true: shows the URL and opens no browser.' },
    { name: 'abort_on_error', about: 'true: gives up when no browser can be opened.' },
  ],
  path: () => 'oidc/auth_url',
  body: [],
};

export const TOKEN_METHOD_ABOUT =
  'A token that exists already. It is looked up, unless lookup=false.';

export function loginBody(method: LoginMethod, values: ReadonlyMap<string, string>): JsonObject {
  const body: JsonObject = {};
  for (const name of method.body) {
    const value = values.get(name);
    if (value !== undefined && value !== '') body[name] = value;
  }
  return body;
}

export function loginHelp(name: string): string | undefined {
  if (name === 'token') {
    return `Usage: strongroom login [-method=token] [TOKEN]\n\n  ${TOKEN_METHOD_ABOUT}`;
  }
  const method = [...LOGIN_METHODS, OIDC_METHOD].find((known) => known.name === name);
  if (method === undefined) return undefined;
  const values = method.values.map((value) => `  ${value.name}=<string>\n      ${value.about}`);
  return [
    `Usage: strongroom login -method=${name} [CONFIG K=V...]\n\n  ${method.about}`,
    'Configuration:',
    ...values,
  ].join('\n\n');
}
