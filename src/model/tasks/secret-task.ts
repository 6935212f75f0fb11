/**
 * What a facade has done with secrets inside the one transaction of its request: its own protocol's rules, over operations that
 * know no protocol. The call names the path and the operation, so that policies and audit see what they always see; the task
 * says what is to become of the secret there.
 *
 * A task may run several times (after a conflict): it must have no effect but through its desk, and take time and randomness
 * from what it is given. What it throws is the answer of the request: throw a {@link RequestError}, or a facade's own subclass
 * of it, which comes back unchanged in `Answer.error`.
 *
 * Example, the whole of "read the current value":
 *
 *   await handle({ protocol: 'gcp', operation: 'read', path: `data/${name}`, binding, task: {
 *     secret: async (desk) => {
 *       if (desk.secret === undefined) throw notFound();
 *       return { data: { value: (await desk.value(servedNumber(desk.secret))).toString('base64') } };
 *     } }, … })
 *
 * Which path and operation stand for what (the same capability as in the Vault API):
 *   read a value              read          data/<name>
 *   write a value             write         data/<name>
 *   read everything but it    read          metadata/<name>
 *   change everything but it  write, patch  metadata/<name>
 *   delete a secret           delete        metadata/<name>
 *   bring it back             write         undelete/<name>
 *   destroy versions          write         destroy/<name>
 *   list secrets              scan          metadata/[<folder>/]
 */
import type { Awaitable } from '../../base/awaitable.ts';
import type { JsonObject } from '../../base/json.ts';
import type { NewVersion, Placement, Secret, Version } from '../secret.ts';
import type { Principal } from '../principal.ts';
import type { Reply } from '../reply.ts';

/** What is promised about deleted objects. */
export interface Retention {
  /** How long they can be recovered, in days. */
  readonly recoveryDays: number;
  /** Nobody may remove them for good before their time. */
  readonly purgeProtection: boolean;
}

interface Desk {
  /** The one "now" of the request. */
  readonly nowMs: number;
  /** Id of the request: a fresh UUID. */
  readonly requestId: string;
  readonly principal: Principal | undefined;
  /** Whom the caller's credential stands for, as its protocol names it; undefined with a plain token. */
  readonly callerName: string | undefined;
  /** What the binding promises about deleted objects; undefined where it says nothing. */
  readonly retention: Retention | undefined;
}

/** How a secret gets new values by itself: a function outside makes them, in the four steps of AWS's contract. */
export interface RotationPlan {
  /** Name of a function of the mount (`functions/<name>`). */
  readonly function: string;
  /** What the function is told as `SecretId`. */
  readonly secretId: string;
  /** The label of the version that is being made. */
  readonly pendingLabel: string;
  /** Undefined: only when it is asked for. */
  readonly recurrence?: Recurring | undefined;
  /** Id of the version to make at once; undefined = not before it is due. */
  readonly startNow?: string | undefined;
}

/** When: every so many seconds, or by a cron schedule of five fields in UTC; and how long after that it may still begin. */
export interface Recurring {
  readonly periodSeconds: number;
  readonly schedule: string;
  readonly windowSeconds: number;
}

export interface RotationState {
  /** Id of the version that is being made; undefined while none is. */
  readonly running: string | undefined;
  readonly lastMs: number | undefined;
  readonly dueMs: number | undefined;
  /** Why the last one failed, in words that hold no value. */
  readonly failure: string | undefined;
}

/** What became of a secret, for functions outside. */
export interface Notice {
  readonly attributes: Readonly<Record<string, string>>;
  /** Never a value. */
  readonly data: JsonObject;
}

/** What a write made of a secret that functions listen to. Undefined: it is not there. */
export interface SecretChange {
  /** Path below the mount's `data/`, `metadata/` … */
  readonly path: string;
  readonly before: Secret | undefined;
  readonly after: Secret | undefined;
  readonly nowMs: number;
}

/** What listeners are told of a change, in the form of the protocol by which they were named. */
export type Teller = (change: SecretChange) => Promise<readonly Announcement[]>;

export interface Announcement {
  /** Names of functions of the mount (`functions/<name>`). */
  readonly functions: readonly string[];
  readonly notice: Notice;
}

/** A notice that is sent at a time. */
export interface ReminderPlan {
  /** Names of functions of the mount (`functions/<name>`). */
  readonly functions: readonly string[];
  readonly notice: Notice;
  readonly firstMs: number;
  /** 0: once. */
  readonly periodSeconds: number;
}

/** One secret: the one that the path names. */
export interface SecretDesk extends Desk {
  /** Path below the mount's `data/`, `metadata/` … */
  readonly path: string;
  /**
   * The secret as it is now, the changes of this task included. Undefined when there is none, or its `purgeMs` is over. It is
   * there while it is soft-deleted as a whole (`deletedMs`): what that forbids is for the task to refuse.
   */
  readonly secret: Secret | undefined;
  /** Value of a version; empty when that was destroyed. What may not be handed out is for the task to refuse (`isReadable`). */
  value(number: number): Awaitable<Buffer>;

  /** Undefined when the secret does not rotate. */
  rotation(): Promise<RotationState | undefined>;

  // Only in a request that writes (`write`, `patch`, `delete`).

  /** Sets up rotation, or ends it with undefined. @throws {RequestError} no such function, or a schedule that cannot be */
  planRotation(plan: RotationPlan | undefined): Promise<void>;

  /** Those of the names that are no function of the mount. */
  unknownFunctions(names: readonly string[]): Promise<readonly string[]>;
  /** Has a notice sent when it is time, or no more with undefined. */
  planReminder(plan: ReminderPlan | undefined): void;

  /** Makes the secret, without a version. It must not exist. @throws {RequestError} the path cannot be one of a secret */
  create(): Secret;
  /** Adds a version, which is served from now on unless `placement` says otherwise. `id` defaults to the request's. */
  addVersion(
    value: Buffer,
    fresh: Partial<NewVersion>,
    placement?: Placement,
  ): Promise<{ readonly secret: Secret; readonly version: Version }>;
  /**
   * Replaces everything about the secret that `change` returns otherwise: labels, attributes, custom metadata, settings,
   * deletion (`deletedMs`, `purgeMs`) and attributes of its versions. Not which versions there are.
   */
  change(change: (secret: Secret) => Secret): Secret;
  /** Makes another version the one that reads without a number answer; `previous` becomes the one before. */
  serve(number: number): Promise<Secret>;
  /** Removes values of versions for good; the version table still shows them. */
  destroy(numbers: readonly number[]): Secret;
  /** Removes the secret with all its versions for good. */
  remove(): void;
}

export interface ListedSecret {
  /** Path below the folder that the request names. */
  readonly path: string;
  readonly secret: Secret;
}

/** Secrets below the folder that the path names, however deep. */
export interface ListDesk extends Desk {
  /** The first `limit` secrets after `after`, in byte order of their paths; fewer than `limit` names were looked at: the end. */
  page(
    after: string,
    limit: number,
  ): Promise<{
    readonly secrets: readonly ListedSecret[];
    /** Where the next page goes on; undefined at the end. */
    readonly next: string | undefined;
  }>;
}

/** For requests that read, write or delete: `secret`; for `scan`: `list`. The `data` of the reply is the facade's own. */
export interface SecretTask {
  readonly secret?: (desk: SecretDesk) => Awaitable<Reply | undefined>;
  readonly list?: (desk: ListDesk) => Awaitable<Reply | undefined>;
}
