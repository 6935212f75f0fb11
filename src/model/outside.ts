/**
 * How a backend acts outside the store, so that no crash leaves anything half done there. A request is one commit; an act on a
 * database, a directory or a cloud account is none of it. So the act is bracketed: an intent is committed, then the act is
 * done, then its result and the end of the intent are committed together.
 *
 *     const intent = await request.outside.lend('creds', { username });   // durable from here on
 *     await target.createUser(username, password);                       // may crash, time out, run again
 *     return { data, lease: { secretType: 'creds', internal: { username }, … } };
 *
 * A request that fails, is run again or never comes back leaves its intent open, and the core settles it: what was to be lent
 * is revoked by the backend's own `secrets` (tried again with growing pauses, shown and forced like any lease; at once, and once
 * more when the act can no longer come about), every other intent is handed to the `settle` of its kind. Both must do no harm when the act never happened, and when they run twice.
 *
 * An act that replaces what the backend itself opens its target with (`rotate-root`) names that in `replaces`. Of one such credential
 * one act is under way at a time, whichever process it runs in, and whoever is refused by the target meanwhile, or has been with what has
 * changed since, runs again afterwards (core/outside/overtaken.ts).
 */
import type { JsonObject } from '../base/json.ts';
import type { Transaction } from './transaction.ts';

/** Longest time between an intent and the end of its act: whoever is slower may find the intent settled meanwhile. */
export const ACT_MS_MAX: number = 60_000;

export interface Intent {
  /** The target refused the act and is as it was before, for certain: there is nothing to settle. */
  withdraw(): void;
}

export interface Outside {
  /** Before a leased secret is made outside: `internal` is all that the revocation of `secretType` needs to know. */
  lend(secretType: string, internal: JsonObject): Promise<Intent>;
  /**
   * Before any other act: `data` is what the `settle` of `kind` needs to finish or to undo it.
   * @param replaces a name for the credential of the backend that the act replaces
   */
  intend(kind: string, data: JsonObject, replaces?: string): Promise<Intent>;
}

export interface OpenIntent {
  readonly data: Readonly<JsonObject>;
  readonly openedMs: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly nowMs: number;
  readonly schedule: Schedule;
}

/** A kind of intent. */
export interface IntentType {
  /**
   * Finishes what was intended or undoes it; what it writes is committed together with the end of the intent. Idempotent: it
   * runs again until it succeeds.
   */
  settle(intent: OpenIntent, store: Transaction): Promise<void>;
}

/** Puts a task of the backend on the calendar, as part of the caller's unit. */
export type Schedule = (task: string, name: string, atMs: number) => void;

export interface TaskContext {
  /** What it is about, as it was scheduled. */
  readonly name: string;
  readonly namespaceId: string;
  readonly nowMs: number;
  readonly schedule: Schedule;
  /**
   * To be awaited before a run acts outside: nobody has asked for it, and yet it stands in the audit log, under this path of
   * the mount.
   */
  readonly record: (path: string) => Promise<TaskRecord>;
}

export interface TaskRecord {
  /** The act has failed, though the run goes on. Never a secret. */
  failed(reason: string): void;
}

/**
 * What became of a task: `done`; `again`, its next step is due now (after this one is committed); or the time at which it
 * is due next, in milliseconds since the epoch.
 */
export type TaskOutcome = 'done' | 'again' | number;

/**
 * Work that a backend does by the calendar, without a caller. One run is one commit. A run that is cut off runs again, so an
 * act outside needs a step before it that commits what is intended (`again` leads on to the act).
 */
export interface TaskType {
  run(context: TaskContext, store: Transaction): Promise<TaskOutcome>;
  /** A run failed and nothing of it is written: tells when to try again. Without it, a minute later. */
  failed?(context: TaskContext, store: Transaction, reason: string): Promise<TaskOutcome>;
}
