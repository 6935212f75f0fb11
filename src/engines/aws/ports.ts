/** What this engine needs of the server. */
import type { Random } from '../../base/random.ts';
import type { SendRequest } from '../../model/outgoing.ts';

export interface AwsPorts {
  readonly random: Random;
  readonly send: SendRequest;
}
