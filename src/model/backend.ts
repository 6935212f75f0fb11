/**
 * What a secrets engine, an auth method or a part of `sys` is: a table of paths. Routing, validation, help, OpenAPI and
 * completion derive from it.
 *
 * Path patterns are `/`-separated segments: `roles/{name}`. `{name}` matches one segment of Vault's generic name
 * (`\w(([\w.-]+)?\w)?`), `{name:any}` one segment of any characters, `{id:uuid}` one of a UUID’s form,
 * `{serial:hex}` one of hexadecimal digits, colons and dashes, `{path...}` the rest of the path, slashes included,
 * possibly empty (`{path..+}` not empty; literal segments may follow it: `mounts/{path...}/tune`). `creds[/{name}]` makes the bracketed end optional.
 */
import type { Awaitable } from '../base/awaitable.ts';
import type { FieldSet, Values } from './field.ts';
import type { IntentType, TaskType } from './outside.ts';
import type { Operation, Request } from './request.ts';
import type { Reader, Transaction, Unit } from './transaction.ts';
import type { JsonObject } from '../base/json.ts';
import type { AuthGrant, LeaseGrant, Reply } from './reply.ts';

/** Best gives its reply at once when all it needs lies in memory: the hot path then goes without promises. */
export type Handler<S, V> = (request: Request<V>, store: S) => Awaitable<Reply | undefined>;

export interface OperationSpec<S, V> {
  readonly summary: string;
  readonly handler: Handler<S, V>;
  /** The handler acts on something outside the store: it runs only after the request's audit record is durable. */
  readonly outsideEffects?: boolean;
  readonly deprecated?: boolean;
}

/** The operations that a path may declare; `update` also serves `create` when `exists` is not declared. */
export type DeclaredOperation = Exclude<Operation, 'help' | 'renew' | 'revoke'>;

export interface Path<S = Transaction> {
  readonly pattern: string;
  readonly fields: FieldSet;
  readonly operations: Readonly<Partial<Record<DeclaredOperation, OperationSpec<S, never>>>>;
  /** Tells create from update; without it every write is an update. */
  readonly exists?: (request: Request<never>, store: S) => Awaitable<boolean>;
  readonly help: { readonly synopsis: string; readonly description?: string };
  /** No token is needed (logins, public keys); `folder`: only where the path is named with a slash behind it, as a listing is. */
  readonly unauthenticated?: boolean | 'folder';
  /** Needs the `sudo` capability as well; `folder` as above. */
  readonly sudo?: boolean | 'folder';
  /** Refused inside a child namespace (`sys` routes of the whole server). */
  readonly rootNamespaceOnly?: boolean;
  /** Answers while the server is sealed or not initialised. */
  readonly whileSealed?: boolean;
  /** A login: an `auth` grant in its reply becomes a token. */
  readonly login?: boolean;
  /** Takes any object (KV version 1): nothing in the body counts as unknown. */
  readonly arbitraryData?: boolean;
  /** Who may not use it is told so in the shape of OAuth's bearer tokens (RFC 6750 §3). */
  readonly bearerErrors?: boolean;
  /** Its handlers run the tasks of facades (model/tasks/task.ts). */
  readonly takesTasks?: boolean;
  /** The body of a write is a file, which its handler reads: `request.upload`. */
  readonly takesUpload?: boolean;
}

/** A path as it is declared: its handlers know the fields that stand beside them. */
export interface PathSpec<S, F extends FieldSet> extends Omit<
  Path<S>,
  'fields' | 'operations' | 'exists'
> {
  readonly fields: F;
  readonly operations: Readonly<Partial<Record<DeclaredOperation, OperationSpec<S, Values<F>>>>>;
  readonly exists?: (request: Request<Values<F>>, store: S) => Awaitable<boolean>;
}

/** Declares a path of an engine or auth method, whose handlers see a view of their own mount. */
export function definePath<const F extends FieldSet>(spec: PathSpec<Transaction, F>): Path {
  return spec;
}

/** Declares a path of the core (`sys`, `auth/token`, `cubbyhole`, `identity`), whose handlers see the whole unit. */
export function defineSystemPath<const F extends FieldSet>(spec: PathSpec<Unit, F>): Path<Unit> {
  return spec;
}

/** How a kind of leased secret is renewed and revoked. Both must be idempotent: they are retried. */
export interface SecretType {
  renew?(
    lease: LeaseContext,
    store: Transaction,
  ): Promise<Pick<LeaseGrant, 'ttlSeconds' | 'maxTtlSeconds'>>;
  revoke(lease: LeaseContext, store: Transaction): Promise<void>;
}

export interface LeaseContext {
  readonly leaseId: string;
  readonly internal: Readonly<JsonObject>;
  readonly incrementSeconds: number;
  /** No renewal goes beyond; milliseconds since the epoch. */
  readonly maxExpiresMs: number;
  /** What a lease of this mount lasts when nobody says otherwise. */
  readonly defaultTtlSeconds: number;
  readonly nowMs: number;
}

/** What an auth method is asked when a token that it made is to be renewed. */
export interface AuthRenewal {
  readonly internal: Readonly<JsonObject>;
  readonly displayName: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly policies: readonly string[];
  readonly connection: Request['connection'];
  readonly incrementSeconds: number;
  readonly nowMs: number;
}

export interface Backend<S = Transaction> {
  /** As users name it in `type`: `kv`, `approle`. */
  readonly type: string;
  readonly kind: 'secret' | 'auth' | 'system';
  readonly summary: string;
  readonly paths: readonly Path<S>[];
  /**
   * Where nobody is asked for a token, not even to hear that there is nothing: `+` stands for one segment, a slash at the end
   * for all that is below.
   */
  readonly openPlaces?: readonly string[];
  /** Where everything needs `sudo`, also to hear that there is nothing; written as above. */
  readonly sudoPlaces?: readonly string[];
  readonly secrets?: Readonly<Record<string, SecretType>>;
  /** How intents that were left open are finished or undone, by kind. */
  readonly intents?: Readonly<Record<string, IntentType>>;
  /** What it does by the calendar. */
  readonly tasks?: Readonly<Record<string, TaskType>>;
  /** Called before a token of this method is renewed; throws when it may not be. Returned bounds replace the token's. */
  renewAuth?(
    renewal: AuthRenewal,
    store: Reader,
  ): Promise<
    Partial<
      Pick<
        AuthGrant,
        'ttlSeconds' | 'maxTtlSeconds' | 'periodSeconds' | 'policies' | 'groupAliases'
      >
    >
  >;
  /**
   * The canonical name that a login's fields speak for, before they are judged: what failed logins are counted under. Only
   * for methods whose users are locked out.
   */
  loginName?(request: Pick<Request, 'fields'>): string | undefined;
  /** Lets go of what it holds outside (connections); it is called when the server seals or stops, and may be used again. */
  stop?(): Promise<void>;
  /** Called in the unit that creates the mount. */
  initialize?(store: S): Promise<void>;
}
