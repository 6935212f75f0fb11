/** What is stored of a credential that an identity shows with each request, and what a check of one gives. */
import type { CredentialKind } from '../../model/evidence.ts';
import type { Stored } from '../../model/transaction.ts';

export interface CredentialRecord {
  /** Access key id, id of the client secret, or id of the private key. */
  readonly id: string;
  readonly kind: CredentialKind;
  readonly entityId: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly createdMs: number;
  /** 0 = never. */
  readonly expiresMs: number;
  /** To the hour; 0 = never. */
  readonly lastUsedMs: number;
  /** What it was made for: AWS account, Azure vault, Google project; '' = nothing in particular. */
  readonly boundTo: string;
  /** Addresses that it may be used from; empty = any. */
  readonly boundCidrs: readonly string[];
  /** Service account keys: the e-mail in `iss`, and the public key (SPKI, PEM). */
  readonly account?: string;
  readonly publicKey?: string;
}

/** Names a token without revealing it. */
export interface TokenName {
  readonly id: string;
  readonly namespaceId: string;
}

/** A temporary access key: all of it travels with the caller, encrypted, as the session token. */
export interface Session {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly clientToken: string;
  /** Whom the caller is shown as: `assumed-role/app/session`. */
  readonly name: string;
  readonly expiresMs: number;
}

export interface SessionTexts {
  seal(session: Session): string;
  /** Undefined when it is not ours. */
  open(text: string): Session | undefined;
}

/** A credential that is stored, as against a session, which travels with its caller. */
export interface JudgedKey {
  readonly session?: undefined;
  readonly credential: Stored<CredentialRecord>;
  /** The token that it has, dead or alive; undefined before its first use. */
  readonly token: TokenName | undefined;
}

export type JudgedCredential = { readonly session: Session } | JudgedKey;

/** Why evidence was refused; a facade tells as much of it as its protocol does. */
export type CredentialFault =
  | 'unknown_credential'
  | 'bad_session'
  | 'session_expired'
  | 'bad_signature';

/** Most credentials of one entity. */
export const CREDENTIALS_OF_ENTITY_MAX = 100;
