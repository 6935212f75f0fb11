/** What the paths of the PKI engine share: where randomness, log lines and facts about callers come from. */
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { SignerCache } from './authorities/signer.ts';
import type { Principal } from '../../model/principal.ts';

export interface PkiOptions {
  readonly random: Random;
  readonly log: Log;
  /** Fills an identity template for a caller; undefined when a value is missing, or not fit for a name. */
  readonly fillTemplate: (template: string, principal: Principal) => Promise<string | undefined>;
  readonly metrics?: StoredMetrics;
}

/** What is counted about kept certificates. */
export interface StoredMetrics {
  readonly alert: () => void;
  readonly renewal: (outcome: 'ok' | 'failed') => void;
}

export interface PkiPorts extends PkiOptions {
  readonly signers: SignerCache;
}
