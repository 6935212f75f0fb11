/**
 * Issuers and keys as they are stored. One index names them all, so that whoever adds or removes one changes it and two
 * such changes never pass each other by. Private keys lie apart from everything else, as PKCS #8 in DER.
 */
import type { Reader, Stored } from '../../../model/transaction.ts';

export const USAGES = ['crl-signing', 'issuing-certificates', 'ocsp-signing', 'read-only'] as const;
export type Usage = (typeof USAGES)[number];

export type LeafBehavior = 'err' | 'truncate' | 'permit';

export interface AiaUrls {
  readonly issuingCertificates: readonly string[];
  readonly crlDistributionPoints: readonly string[];
  readonly deltaCrlDistributionPoints: readonly string[];
  readonly ocspServers: readonly string[];
  readonly enableTemplating: boolean;
}

export interface IssuerRecord {
  readonly id: string;
  readonly name: string;
  /** '' without one. */
  readonly keyId: string;
  /** DER in base64. */
  readonly certificate: string;
  readonly serial: string;
  /** Ids of the chain, this issuer first. */
  readonly chain: readonly string[];
  readonly manualChain: readonly string[];
  readonly leafBehavior: LeafBehavior;
  /** Without `read-only`, which everyone has. */
  readonly usage: readonly Usage[];
  /** Name of a signature algorithm, '' for the usual one. */
  readonly revocationAlgorithm: string;
  readonly revokedMs?: number;
  readonly aia?: AiaUrls;
  readonly lastModifiedMs: number;
}

export interface KeyRecord {
  readonly name: string;
  readonly type: 'rsa' | 'ec' | 'ed25519';
  /** SubjectPublicKeyInfo in base64. */
  readonly publicKey: string;
}

export interface IssuerEntry {
  readonly name: string;
  readonly keyId: string;
  readonly serial: string;
}

export interface Index {
  /** By id. */
  readonly issuers: Readonly<Record<string, IssuerEntry>>;
  readonly keys: Readonly<Record<string, KeyRecord>>;
  /** '' without one. */
  readonly defaultIssuer: string;
  readonly defaultFollowsLatest: boolean;
  readonly defaultKey: string;
}

export type StoredIssuer = Stored<IssuerRecord>;

const INDEX = 'authorities';
export const ISSUERS = 'issuer/';
const MATERIAL = 'key-material/';

const EMPTY_INDEX: Index = {
  issuers: {},
  keys: {},
  defaultIssuer: '',
  defaultFollowsLatest: false,
  defaultKey: '',
};

export async function readIndex(store: Reader): Promise<Stored<Index>> {
  return (await store.getRecord<Index>(INDEX)) ?? EMPTY_INDEX;
}

export const indexKey: string = INDEX;

export function materialKey(keyId: string): string {
  return MATERIAL + keyId;
}

/** Most issuers, and most keys, of one mount. */
export const AUTHORITIES_MAX = 2000;
