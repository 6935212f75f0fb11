/** A token as the ledger of a run knows it. */

export interface KnownToken {
  readonly token: string;
  readonly parent: KnownToken | undefined;
  /** Not before, and not after: 0 = without end. */
  readonly madeMs: number;
  readonly toldMs: number;
  readonly ttlMs: number;
  /** 0 = any number. */
  readonly usesMax: number;
  uses: number;
  /** When its end was asked for, and when it was acknowledged. */
  revokingMs: number;
  revokedMs: number;
}
