/**
 * The password of an account somewhere. With one account the old password ends with the change; with two that take turns the
 * old one stays valid until it is retired, so nobody who still holds it is locked out.
 */
import type { JsonObject } from '../../base/json.ts';
import { base62 } from '../../base/random.ts';
import { SettingsError, TargetError } from '../../targets/database.ts';
import { listSetting, textOf } from '../settings.ts';
import type { Fields, Rotation, RotationContext, Rotator, RotatorSetting } from '../rotator.ts';

/** A place that has accounts, as seen by whoever may change their passwords. */
export interface AccountPlace {
  /** @throws {TargetError} */
  change(account: string, password: string): Promise<void>;
  /** @throws {TargetError} when it cannot be found out */
  accepts(account: string, password: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface AccountKind {
  readonly type: string;
  readonly summary: string;
  readonly settings: readonly RotatorSetting[];
  /** Checks settings and connects to nothing. @throws {SettingsError} */
  check(settings: JsonObject): void;
  /** The settings name an account that may change others. */
  hasAdministrator(settings: JsonObject): boolean;
  /** Opens the place as its administrator, or, where the settings name none, as the account itself. */
  open(settings: JsonObject, self: Account): AccountPlace;
}

export interface Account {
  readonly username: string;
  readonly password: string;
}

const LOCK_OUT_LENGTH = 40;

const COMMON: readonly RotatorSetting[] = [
  {
    name: 'accounts',
    description: 'Two accounts that take turns; without it the one of the secret.',
  },
  { name: 'account', description: 'Name of the account, where the secret does not hold it.' },
  {
    name: 'username_field',
    description: 'Field of the secret with the name; "username" by default.',
  },
  { name: 'password_field', description: 'Field with the password; "password" by default.' },
];

interface Shape {
  readonly accounts: readonly string[];
  readonly account: string;
  readonly usernameField: string;
  readonly passwordField: string;
}

function shapeOf(settings: JsonObject): Shape {
  const accounts = listSetting(settings, 'accounts', []);
  if (accounts.length !== 0 && new Set(accounts).size !== 2) {
    throw new SettingsError('accounts must be two different names');
  }
  return {
    accounts,
    account: textOf(settings, 'account'),
    usernameField: textOf(settings, 'username_field', 'username'),
    passwordField: textOf(settings, 'password_field', 'password'),
  };
}

export function accountRotator(kind: AccountKind): Rotator {
  return {
    type: kind.type,
    summary: kind.summary,
    settings: [...kind.settings, ...COMMON],
    keepsPrevious: (settings) => shapeOf(settings).accounts.length > 0,
    open(settings) {
      kind.check(settings);
      const shape = shapeOf(settings);
      // The one whose turn it is has been locked out: it cannot change its own password.
      if (shape.accounts.length > 0 && !kind.hasAdministrator(settings)) {
        throw new SettingsError('accounts that take turns need an account that may change them');
      }
      return new AccountRotation(kind, settings, shape);
    },
  };
}

class AccountRotation implements Rotation {
  readonly #kind: AccountKind;
  readonly #settings: JsonObject;
  readonly #shape: Shape;

  constructor(kind: AccountKind, settings: JsonObject, shape: Shape) {
    this.#kind = kind;
    this.#settings = settings;
    this.#shape = shape;
  }

  async create({ current, password }: RotationContext): Promise<Fields> {
    const { accounts, usernameField, passwordField } = this.#shape;
    const before = this.#account(current);
    if (accounts.length === 0) return { [passwordField]: await password() };
    const other = accounts.find((name) => name !== before.username) ?? '';
    return { [usernameField]: other, [passwordField]: await password() };
  }

  async install({ current, next }: RotationContext): Promise<void> {
    const { username, password } = this.#account({ ...current, ...next });
    const before = this.#account(current);
    await this.#at(before, async (place) => {
      try {
        await place.change(username, password);
      } catch (error) {
        // As the account itself: an earlier attempt may have changed the password that it was opened with.
        if (await this.#taken(username, password, before)) return;
        throw error;
      }
    });
  }

  async verify({ current }: RotationContext, value: Fields): Promise<void> {
    const { username, password } = this.#account({ ...current, ...value });
    const taken = await this.#at(this.#account(current), (place) =>
      place.accepts(username, password),
    );
    if (taken) return;
    throw new TargetError('the target does not take the password', { mayHaveChanged: true });
  }

  /** With one account there is nothing left to do: its password has changed. */
  async retire({ random }: RotationContext, old: Fields): Promise<void> {
    if (this.#shape.accounts.length === 0) return;
    const { username } = this.#account(old);
    const lock = base62(random, LOCK_OUT_LENGTH);
    await this.#at(this.#account(old), (place) => place.change(username, lock));
  }

  async rollback({ current, next, random }: RotationContext): Promise<void> {
    const before = this.#account(current);
    const after = this.#account({ ...current, ...next });
    if (after.username !== before.username) {
      const lock = base62(random, LOCK_OUT_LENGTH);
      await this.#at(before, (place) => place.change(after.username, lock));
      return;
    }
    if (await this.#taken(before.username, before.password, before)) return;
    // Whoever opens it as the account itself needs the password that the account has now.
    await this.#at(after, (place) => place.change(before.username, before.password));
  }

  async rehearse({ current }: RotationContext): Promise<readonly string[]> {
    const { accounts } = this.#shape;
    const before = this.#account(current);
    const found: string[] = [];
    await this.#at(before, async (place) => {
      const taken = await place.accepts(before.username, before.password);
      found.push(
        `the target answers, and ${taken ? 'takes' : 'does not take'} the current password`,
      );
      if (!taken)
        throw new TargetError('the target does not take the current password', {
          mayHaveChanged: false,
        });
    });
    found.push(
      accounts.length === 0
        ? 'one account: its old password ends with the change'
        : 'two accounts take turns: the old one stays valid through the time of grace',
    );
    return found;
  }

  async #taken(username: string, password: string, self: Account): Promise<boolean> {
    return await this.#at(self, (place) => place.accepts(username, password));
  }

  async #at<T>(self: Account, act: (place: AccountPlace) => Promise<T>): Promise<T> {
    const place = this.#kind.open(this.#settings, self);
    try {
      return await act(place);
    } finally {
      place.close().catch(() => {});
    }
  }

  #account(fields: Fields): Account {
    const { account, usernameField, passwordField } = this.#shape;
    const username = account === '' ? (fields[usernameField] ?? '') : account;
    const password = fields[passwordField] ?? '';
    if (username === '' || password === '') {
      throw new TargetError(
        'the secret has no user name or no password in the fields that were named',
        {
          mayHaveChanged: false,
        },
      );
    }
    return { username, password };
  }
}
