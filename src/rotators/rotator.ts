/**
 * How the value of a secret is renewed where it is used. One folder per member; a member knows its target and nothing of
 * storage, schedules or versions. Its steps are called in the order create → install → verify, and after the new value is
 * current and a time of grace has passed, retire. Each step may be called again after a crash: it must come to the same end.
 */
import type { JsonObject } from '../base/json.ts';
import type { Random } from '../base/random.ts';

/** The texts of a secret's object, by name. */
export type Fields = Readonly<Record<string, string>>;

export interface RotationContext {
  /** Of this rotation, the same at every step and every repetition: targets that take one recognise a repeated call by it. */
  readonly id: string;
  /** The value that is current while the rotation runs. */
  readonly current: Fields;
  /** What `create` gave; only what the rotation changes. */
  readonly next: Fields;
  readonly random: Random;
  /** Makes a password by the policy of the rotation. */
  readonly password: () => Promise<string>;
}

export interface Rotation {
  /** The fields that change, with their new values. */
  create(context: RotationContext): Promise<Fields>;
  /** Makes the target take the new value. */
  install(context: RotationContext): Promise<void>;
  /** Whether the target takes a value: throws when it does not. */
  verify(context: RotationContext, value: Fields): Promise<void>;
  /** Makes the target refuse a value that is no longer current. */
  retire(context: RotationContext, old: Fields): Promise<void>;
  /** After a failure: the target takes the current value, and does not take the new one. */
  rollback(context: RotationContext): Promise<void>;
  /** Tries out what can be tried without changing anything; tells what was found. */
  rehearse(context: RotationContext): Promise<readonly string[]>;
}

export interface RotatorSetting {
  readonly name: string;
  readonly description: string;
  /** Never shown again. */
  readonly secret?: true;
}

export interface Rotator {
  readonly type: string;
  readonly summary: string;
  readonly settings: readonly RotatorSetting[];
  /** Whether the value before stays valid until it is retired, so that a time of grace means something. */
  keepsPrevious(settings: JsonObject): boolean;
  /** @throws {SettingsError} */
  open(settings: JsonObject): Rotation;
}
