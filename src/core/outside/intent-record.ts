/** What is stored of an intent, and what is known of one whose request is under way. */
import type { JsonObject } from '../../base/json.ts';

export interface IntentRecord {
  readonly id: string;
  readonly namespaceId: string;
  readonly mountAccessor: string;
  readonly kind: string;
  /** Path of the request: what a lease that is made of it is called after. */
  readonly path: string;
  /** Of a leased secret. */
  readonly secretType: string;
  readonly data: JsonObject;
  readonly openedMs: number;
  readonly attempts: number;
  /** The handler came back: nothing of its act is still to come. */
  readonly over?: true;
  /** The credential of the backend that the act replaces: see replacements.ts. */
  readonly replaces?: string;
}

/** An intent of a request that is under way. */
export interface Opened {
  readonly record: IntentRecord;
  withdrawn: boolean;
  /** Its handler has come back with an answer. */
  over: boolean;
}

export type NewIntent = Pick<
  IntentRecord,
  'namespaceId' | 'mountAccessor' | 'kind' | 'path' | 'secretType' | 'data' | 'replaces'
>;
