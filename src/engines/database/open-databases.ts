/**
 * The databases that this process has opened, by the names of their connections. A changed configuration has another id, so nobody
 * works with an old one, whichever replica changed it; the first who opens the new one has the old one closed.
 */
import type { JsonObject } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import type { Credential, Database, DatabaseMember, NewAccount } from '../../targets/database.ts';

/** Open at once; the one that was not used for longest is closed. */
const OPEN_MAX = 256;

interface Open {
  readonly id: string;
  readonly database: UsedDatabase;
}

export class OpenDatabases {
  readonly #open = new Map<string, Open>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * @param id of the configuration
   * @throws {SettingsError}
   */
  get(name: string, id: string, member: DatabaseMember, settings: JsonObject): Database {
    const known = this.#open.get(name);
    if (known?.id === id) {
      this.#open.delete(name);
      this.#open.set(name, known);
      return known.database;
    }
    const database = new UsedDatabase(member.open(settings, this.#random));
    this.close(name);
    this.#open.set(name, { id, database });
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_MAX && oldest !== undefined) this.close(oldest);
    return database;
  }

  /** What is under way on it comes to its end first. */
  close(name: string): void {
    const open = this.#open.get(name);
    this.#open.delete(name);
    open?.database.close().catch(() => {});
  }

  async closeAll(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(all.map(({ database }) => database.close()));
  }
}

/** A database that is closed when nobody is at work on it any more: drivers let those wait for ever who queue for a connection. */
class UsedDatabase implements Database {
  readonly #database: Database;
  #users = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  verify(): Promise<void> {
    return this.#use((database) => database.verify());
  }

  create(account: NewAccount): Promise<void> {
    return this.#use((database) => database.create(account));
  }

  change(username: string, credential: Credential, statements: readonly string[]): Promise<void> {
    return this.#use((database) => database.change(username, credential, statements));
  }

  extend(username: string, expiresMs: number, statements: readonly string[]): Promise<void> {
    return this.#use((database) => database.extend(username, expiresMs, statements));
  }

  drop(username: string, statements: readonly string[]): Promise<void> {
    return this.#use((database) => database.drop(username, statements));
  }

  exists(username: string): Promise<boolean> {
    return this.#use((database) => database.exists(username));
  }

  accepts(username: string, password: string): Promise<boolean> {
    return this.#use((database) => database.accepts(username, password));
  }

  async close(): Promise<void> {
    this.#closing ??= Promise.withResolvers();
    if (this.#users === 0) this.#end();
    await this.#closing.promise;
  }

  async #use<T>(act: (database: Database) => Promise<T>): Promise<T> {
    this.#users++;
    try {
      return await act(this.#database);
    } finally {
      if (--this.#users === 0) this.#end();
    }
  }

  /** Whoever has got hold of it before may use it once more: that opens connections anew, and closes them again. */
  #end(): void {
    if (this.#closing !== undefined) this.#closing.resolve(this.#database.close());
  }
}
