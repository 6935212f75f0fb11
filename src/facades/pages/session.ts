/**
 * What a browser keeps for us: one cookie, which no script and no other site gets, over TLS only (browsers make an exception
 * for the machine that they run on). It holds the token of whoever is signed in, or what a sign-in at another provider has to
 * come back with. Nothing of it is kept here.
 */
import type { WireRequest } from '../facade.ts';

/** `__Host-`: no other host of the domain can set it (RFC 6265bis §4.1.3). */
const NAME = '__Host-strongroom';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Lax';
/** Browsers drop what is longer than 4096 with its name. */
const LENGTH_MAX = 4000;
const AWAY_SECONDS = 600;

export interface SignedIn {
  readonly kind: 'session';
  readonly token: string;
  readonly namespace: string;
  /** The token was brought: signing out forgets it and does not revoke it. */
  readonly brought: boolean;
}

/** Gone to another provider to sign in. */
export interface Away {
  readonly kind: 'away';
  readonly mount: string;
  readonly namespace: string;
  readonly nonce: string;
  readonly next: string;
}

export const NO_COOKIE: Readonly<Record<string, string>> = {
  'Set-Cookie': `${NAME}=; Max-Age=0; ${ATTRIBUTES}`,
};

/** Undefined when it is too long for a browser to keep. */
export function cookieOf(kept: SignedIn | Away): Readonly<Record<string, string>> | undefined {
  const value = Buffer.from(JSON.stringify(kept)).toString('base64url');
  if (value.length > LENGTH_MAX) return undefined;
  const age = kept.kind === 'away' ? `Max-Age=${AWAY_SECONDS}; ` : '';
  return { 'Set-Cookie': `${NAME}=${value}; ${age}${ATTRIBUTES}` };
}

function keptBy({ headers }: WireRequest): unknown {
  const { cookie } = headers;
  if (typeof cookie !== 'string') return undefined;
  const found = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${NAME}=`));
  // Two of a name: somebody else's hand is in it.
  const [only] = found;
  if (only === undefined || found.length > 1) return undefined;
  try {
    return JSON.parse(Buffer.from(only.slice(NAME.length + 1), 'base64url').toString());
  } catch {
    return undefined;
  }
}

function isText(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

export function signedIn(wire: WireRequest): SignedIn | undefined {
  const kept = keptBy(wire) as Partial<SignedIn> | null | undefined;
  if (kept?.kind !== 'session' || !isText(kept.token, kept.namespace)) return undefined;
  return kept as SignedIn;
}

export function away(wire: WireRequest): Away | undefined {
  const kept = keptBy(wire) as Partial<Away> | null | undefined;
  if (kept?.kind !== 'away' || !isText(kept.mount, kept.namespace, kept.nonce, kept.next))
    return undefined;
  return kept as Away;
}
