/** What is stored of a token. The token itself is never stored: records lie under an HMAC of it. */

import type { Stored } from '../model/transaction.ts';

export type TokenType = 'service' | 'batch';

/** Names a token without revealing it: the HMAC and the namespace it lives in. */
export interface TokenRef {
  readonly id: string;
  readonly namespaceId: string;
}

export interface TokenRecord {
  /** Hex HMAC-SHA-256 of the token under the barrier's token key; '' for a batch token. */
  readonly id: string;
  readonly namespaceId: string;
  readonly accessor: string;
  readonly type: TokenType;
  /** Parent first, then its ancestors: a token lives only while they all do. Empty = orphan. */
  readonly lineage: readonly TokenRef[];
  readonly policies: readonly string[];
  /** Path of the login or creation, namespace not included: `auth/token/create`. */
  readonly path: string;
  readonly displayName: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly createdMs: number;
  /** TTL given at creation; 0 = none. */
  readonly creationTtlSeconds: number;
  /** TTL of the current lease: what a renewal without an increment asks for again. */
  readonly ttlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly renewable: boolean;
  /** 0 = never. */
  readonly expiresMs: number;
  /** When the current lease began: creation or last renewal. */
  readonly issuedMs: number;
  /** 0 = never renewed. */
  readonly lastRenewalMs: number;
  /** Uses given at creation; 0 = without limit. */
  readonly usesGiven: number;
  /** Uses left; 0 = without limit; {@link USES_SPENT} = spent, to be revoked. */
  readonly numUses: number;
  readonly role: string;
  readonly entityId: string;
  readonly boundCidrs: readonly string[];
  readonly strictlyBindIp: boolean;
  readonly noDefaultPolicy: boolean;
  /** What the auth method wants back at renewal. */
  readonly internal: Readonly<Record<string, unknown>> | null;
  /** The mount that issued it (for renewal, and for revocation with the mount). */
  readonly mountAccessor: string;
  /** Bounds of that mount or role at issue; 0 = the mount's own. */
  readonly maxTtlSeconds: number;
  /** A policy of its own, as text: in force beside `policies`. */
  readonly inlinePolicy?: string;
  /** What its entity and groups may do, it may not. */
  readonly noIdentityPolicies?: boolean;
  /** Environments that whoever made it was bound to: so is it. */
  readonly environments?: readonly string[];
  /** Set on the record that `revoke-orphan` leaves: not usable, but children do not die with it. */
  readonly orphaning?: boolean;
  /** For wrapping tokens: what was wrapped, and for how long. */
  readonly wrapped?: {
    readonly creationPath: string;
    readonly ttlSeconds: number;
    /** The answer was no JSON of ours: opening gives its bytes again. */
    readonly raw?: true;
  };
}

/** A token whose last use is under way; shown as -1. */
export const USES_SPENT: number = -1;

export const ACCESSOR_LENGTH: number = 24;
export const TOKEN_RANDOM_LENGTH: number = 24;
export const SERVICE_PREFIX: string = 's.';
export const BATCH_PREFIX: string = 'b.';
/** Longest token text that is looked at (Vault 2.0 caps the header at 8 KB). */
export const TOKEN_TEXT_MAX: number = 8192;
/** Deepest chain of child tokens. */
export const LINEAGE_MAX: number = 64;
/** Largest metadata of a token, as JSON. */
export const METADATA_BYTES_MAX: number = 512 * 1024;

export function isExpired(record: Pick<TokenRecord, 'expiresMs'>, nowMs: number): boolean {
  return record.expiresMs !== 0 && nowMs >= record.expiresMs;
}

/** Seconds left, at least 0; 0 also for a token that never expires. */
export function ttlSeconds(record: Pick<TokenRecord, 'expiresMs'>, nowMs: number): number {
  if (record.expiresMs === 0) return 0;
  return Math.max(0, Math.ceil((record.expiresMs - nowMs) / 1000));
}

/** The lease id of a token: the path that made it and a hash, as Vault's expiration manager names it. */
export function leaseIdOf(record: Pick<TokenRecord, 'path' | 'id'>): string {
  return `${record.path.replace(/\/$/, '')}/h${record.id}`;
}

/**
 * The namespace that an id names: `s.random.NAMESPACE`, `b.sealed.NAMESPACE`, `accessor.NAMESPACE`, `path/of/lease/random.NAMESPACE`.
 * Undefined for those of the root namespace.
 */
export function namespaceIdIn(id: string): string | undefined {
  const name = id.slice(id.lastIndexOf('/') + 1).replace(/^[sb]\./, '');
  const dot = name.lastIndexOf('.');
  return dot < 0 || dot === name.length - 1 ? undefined : name.slice(dot + 1);
}

export function childKey(parent: TokenRef, child: TokenRef): string {
  return `child/${parent.id}/${child.namespaceId}.${child.id}`;
}

export function lineageOf(parent: Stored<TokenRecord> | undefined): readonly TokenRef[] {
  if (parent === undefined) return [];
  return [{ id: parent.id, namespaceId: parent.namespaceId }, ...parent.lineage];
}

/** Namespace ids are short base62 words; anything else never reaches a storage key. */
export function isNamespaceId(text: string): boolean {
  return /^[0-9A-Za-z]{1,16}$/.test(text);
}
