/** What is stored of a run of tidy: what it is to do, how far it has come and what it has counted. */
import type { TidyConfig } from './tidy-config.ts';

export const PHASES = ['certificates', 'revoked', 'lists', 'issuers', 'acme', 'done'] as const;

export type Phase = (typeof PHASES)[number];

export interface TidyCounts {
  readonly certStoreDeleted: number;
  readonly revokedCertDeleted: number;
  readonly missingIssuerCert: number;
  readonly acmeAccounts: number;
  readonly acmeAccountsDeleted: number;
  readonly acmeAccountsRevoked: number;
  readonly acmeOrdersDeleted: number;
}

export interface TidyRun {
  readonly id: string;
  readonly config: TidyConfig;
  readonly state: 'Running' | 'Finished' | 'Error' | 'Cancelling' | 'Cancelled';
  readonly phase: Phase;
  /** The last name of the phase that was looked at. */
  readonly after: string;
  readonly listsChanged: boolean;
  readonly counts: TidyCounts;
  readonly startedMs: number;
  readonly finishedMs?: number;
  readonly error?: string;
}
