/** Who asks, and the namespace that somebody or something belongs to. */

export interface NamespaceRef {
  /** Short random id; the root namespace is `root`. */
  readonly id: string;
  /** `''` for the root namespace, else `a/b/` (no leading slash, one trailing slash). */
  readonly path: string;
}

/** Who asks, once the token has been judged. */
export interface Principal {
  /** Storage id of the token (an HMAC), never the token. */
  readonly tokenId: string;
  readonly accessor: string;
  readonly displayName: string;
  readonly entityId: string;
  readonly tokenType: 'service' | 'batch';
  readonly tokenNamespace: NamespaceRef;
  /** Every policy in force, token's and identity's, sorted. */
  readonly policies: readonly string[];
  readonly tokenPolicies: readonly string[];
  readonly identityPolicies: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly isRoot: boolean;
  /** Path of the login or creation that made the token. */
  readonly path: string;
  /** Seconds left, 0 = never expires. */
  readonly ttlSeconds: number;
  /** A policy that only this token has, as text. */
  readonly inlinePolicy?: string;
}

/** Every other namespace has a random id. */
export const ROOT_NAMESPACE_ID: string = 'root';
