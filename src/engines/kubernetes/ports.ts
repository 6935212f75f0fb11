/** What this engine needs of the server and its pod. */
import type { Random } from '../../base/random.ts';
import type { SendRequest } from '../../model/outgoing.ts';

export interface KubernetesPorts {
  readonly random: Random;
  readonly send: SendRequest;
  /** A file of the service account of the pod that this server runs in, if it runs in one. */
  readonly local: (file: 'token' | 'ca.crt') => Promise<string | undefined>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}
