/**
 * Databases whose accounts are managed from here: what the database engine and the rotation of secrets work with. One folder
 * per member; a member knows one wire protocol and nothing of secrets, leases or storage.
 */
import type { JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';

/** Longest wait for a connection, and for the answer to one statement. */
export const CONNECT_MS_MAX: number = 8_000;
export const STATEMENT_MS_MAX: number = 20_000;
/** Connections to one database, unless it is configured otherwise, and at most. */
export const CONNECTIONS_DEFAULT = 4;
export const CONNECTIONS_MAX = 64;
/** A connection that nobody uses is closed after this. */
export const IDLE_MS: number = 60_000;

export type CredentialKind = 'password' | 'rsa_private_key' | 'client_certificate';

/** What an account opens with; never the private half of a key. */
export type Credential =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'rsa_private_key'; readonly publicKeyPem: string }
  | { readonly kind: 'client_certificate'; readonly subject: string };

export interface NewAccount {
  readonly username: string;
  readonly credential: Credential;
  readonly expiresMs: number;
  readonly statements: readonly string[];
  /** Run when the creation has failed halfway. */
  readonly rollbackStatements: readonly string[];
}

/** What is told of a failure is safe to show: secrets are taken out of it, and it repeats no setting. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
  /** False when the target has certainly stayed as it was. */
  readonly mayHaveChanged: boolean;
  constructor(
    message: string,
    options: { readonly mayHaveChanged: boolean; readonly cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.mayHaveChanged = options.mayHaveChanged;
  }
}

/** Connection settings that cannot be used. The text repeats no value. */
export class SettingsError extends Error {
  override readonly name: string = 'SettingsError';
}

/** An address that nothing can be made of. It may be kept for as long as nobody connects to it. */
export class NoAddressError extends SettingsError {
  override readonly name = 'NoAddressError';
}

/** One database, through the account that manages others. Connects when first used, and again after a fault. */
export interface Database {
  /** @throws {TargetError} */
  verify(): Promise<void>;
  /** Makes an account. @throws {TargetError} */
  create(account: NewAccount): Promise<void>;
  /** Gives an existing account another credential. @throws {TargetError} */
  change(username: string, credential: Credential, statements: readonly string[]): Promise<void>;
  /** Lets an account live longer, where the database keeps an end of its own. @throws {TargetError} */
  extend(username: string, expiresMs: number, statements: readonly string[]): Promise<void>;
  /** Removes an account; one that is not there is as good as removed. @throws {TargetError} */
  drop(username: string, statements: readonly string[]): Promise<void>;
  /** @throws {TargetError} */
  exists(username: string): Promise<boolean>;
  /** Whether an account can log in with a password. @throws {TargetError} when that cannot be found out */
  accepts(username: string, password: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface DatabaseMember {
  /** Names that a configuration may call it by, the proper one first. */
  readonly names: readonly string[];
  readonly defaultUsernameTemplate: string;
  readonly credentials: readonly CredentialKind[];
  /** Accounts cannot be made without statements that say how. */
  readonly needsCreationStatements: boolean;
  /** Checks settings and connects to nothing. @throws {SettingsError} */
  open(settings: JsonObject, random: Random): Database;
}

/** Settings of connections that must never be shown again. */
export const SECRET_SETTINGS: readonly string[] = [
  'password',
  'private_key',
  'tls_certificate_key',
];
