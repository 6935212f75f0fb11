/** Turns away logins of a name that has failed too often. */
import type { Exchange } from '../exchange.ts';
import type { Parts } from '../parts.ts';

export async function lockout(parts: Parts, exchange: Exchange): Promise<void> {
  await parts.lockout.admit(exchange);
}

/** After the token is made: the failures before it are forgotten. */
export async function loggedIn(parts: Parts, exchange: Exchange): Promise<void> {
  if (exchange.auth !== undefined) await parts.lockout.succeeded(exchange);
}
