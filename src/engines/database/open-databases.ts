/**
 * The databases that this process has opened, by the id of the configuration that they were opened with: a changed
 * configuration has another id, so nobody works with an old one, whichever replica changed it.
 */
import type { JsonObject } from '../../base/json.ts';
import type { Random } from '../../base/random.ts';
import type { Database, DatabaseMember } from '../../targets/database.ts';

/** Open at once; the one that was not used for longest is closed. */
const OPEN_MAX = 256;

export class OpenDatabases {
  readonly #open = new Map<string, Database>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** @throws {SettingsError} */
  get(id: string, member: DatabaseMember, settings: JsonObject): Database {
    const known = this.#open.get(id);
    if (known !== undefined) {
      this.#open.delete(id);
      this.#open.set(id, known);
      return known;
    }
    const database = member.open(settings, this.#random);
    this.#open.set(id, database);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_MAX && oldest !== undefined) this.close(oldest);
    return database;
  }

  /** What is under way on it comes to its end first. */
  close(id: string): void {
    const database = this.#open.get(id);
    this.#open.delete(id);
    database?.close().catch(() => {});
  }

  async closeAll(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(all.map((database) => database.close()));
  }
}
