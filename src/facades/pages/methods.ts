/** Ways to sign in with a browser, and which of them a server offers. */
import { at, objectOf, textAt } from './api.ts';
import type { AskApi } from './api.ts';

export interface Method {
  readonly type: string;
  readonly label: string;
  readonly asks: 'password' | 'provider' | 'token' | 'certificate';
}

export const METHODS: readonly Method[] = [
  { type: 'userpass', label: 'Name and password', asks: 'password' },
  { type: 'ldap', label: 'LDAP', asks: 'password' },
  { type: 'radius', label: 'RADIUS', asks: 'password' },
  { type: 'oidc', label: 'OpenID Connect', asks: 'provider' },
  { type: 'jwt', label: 'OpenID Connect', asks: 'provider' },
  { type: 'cert', label: 'Certificate', asks: 'certificate' },
  { type: 'token', label: 'Token', asks: 'token' },
];
/** Offered where the operator has marked no mount for the sign-in page. */
const USUAL: readonly string[] = ['userpass', 'ldap', 'oidc', 'token'];

export interface Way {
  readonly method: Method;
  /** Below `auth/`, without a slash at its end. */
  readonly mount: string;
  readonly label: string;
  /** The operator has named it: nobody need type its mount. */
  readonly named: boolean;
}

function wayOf(method: Method, mount: string, label: string, named: boolean): Way {
  return { method, mount, label, named };
}

export function methodOf(type: string): Method | undefined {
  return METHODS.find((each) => each.type === type);
}

/** Mounts with `listing_visibility=unauth`, and always the token; without any such mount, the usual methods. */
export async function waysIn(ask: AskApi, namespace: string): Promise<readonly Way[]> {
  const { body } = await ask('GET', 'sys/internal/ui/mounts', { namespace });
  const ways = Object.entries(objectOf(at(body, 'data', 'auth'))).flatMap(([path, mount]) => {
    const method = methodOf(textAt(mount, 'type'));
    if (method === undefined || method.type === 'token') return [];
    const name = path.replace(/^auth\//, '').replace(/\/$/, '');
    const told = textAt(mount, 'description');
    const label = told || (name === method.type ? method.label : `${method.label} (${name})`);
    return [wayOf(method, name, label, true)];
  });
  const others = METHODS.filter(({ type }) =>
    ways.length === 0 ? USUAL.includes(type) : type === 'token',
  );
  return [...ways, ...others.map((each) => wayOf(each, each.type, each.label, false))];
}
