/** What is stored for identity tokens of one namespace: the issuer, signing keys and roles. */
import type { Random } from '../../base/random.ts';
import { invalidRequest } from '../../model/errors.ts';
import { inTurn } from '../../model/listing/in-turn.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import { keyWith, rotated } from './named-key.ts';
import type { NamedKey } from './named-key.ts';
import type { NamespaceRef } from '../../model/principal.ts';

export interface TokenRole {
  readonly key: string;
  readonly template: string;
  readonly client_id: string;
  readonly ttl: number;
}

export const DEFAULT_KEY = 'default';
const DAY_SECONDS = 86_400;
/** Most keys and most roles of a namespace. */
const KEYS_MAX = 100;
const ROLES_MAX = 5000;

export class OidcStore {
  readonly #view: Transaction;
  readonly #random: Random;

  constructor(unit: Unit, namespace: Pick<NamespaceRef, 'id'>, random: Random) {
    this.#view = unit.view(namespace.id, 'identity/oidc/');
    this.#random = random;
  }

  /** To be called before it is judged what refers to what, by roles and keys as by what a provider has. */
  async inTurn(): Promise<void> {
    await inTurn(this.#view, 'turn');
  }

  async issuer(): Promise<string> {
    return (await this.#view.getRecord<{ issuer: string }>('config'))?.issuer ?? '';
  }

  putIssuer(issuer: string): void {
    this.#view.putJson('config', { issuer });
  }

  /** Not through the cache of decoded records: it holds private keys. */
  async key(name: string): Promise<NamedKey | undefined> {
    return await this.#view.getJson<NamedKey>(`key/${name}`);
  }

  /** The key of a name; the default one is made when it is first needed. */
  async keyOrDefault(name: string, nowMs: number): Promise<NamedKey | undefined> {
    const known = await this.key(name);
    if (known !== undefined || name !== DEFAULT_KEY) return known;
    const made = await keyWith(
      {
        algorithm: 'RS256',
        rotationSeconds: DAY_SECONDS,
        verificationSeconds: DAY_SECONDS,
        allowedClientIds: ['*'],
      },
      undefined,
      this.#random,
      nowMs,
    );
    await this.putKey(name, made);
    return made;
  }

  /** The key of a name, rotated first when its time has come. */
  async signingKey(name: string, nowMs: number): Promise<NamedKey | undefined> {
    const key = await this.keyOrDefault(name, nowMs);
    if (key === undefined || nowMs < key.nextRotationMs) return key;
    const fresh = await rotated(key, this.#random, nowMs);
    await this.putKey(name, fresh);
    return fresh;
  }

  async putKey(name: string, key: NamedKey): Promise<void> {
    const names = await this.#view.list('key/');
    if (!names.includes(name) && names.length >= KEYS_MAX)
      throw invalidRequest(`at most ${KEYS_MAX} keys are allowed`);
    this.#view.putJson(`key/${name}`, key);
  }

  deleteKey(name: string): void {
    this.#view.delete(`key/${name}`);
  }

  /** The default key counts, whether or not it was needed yet. */
  async keyNames(): Promise<string[]> {
    return [...new Set([DEFAULT_KEY, ...(await this.#view.list('key/'))])].sort();
  }

  /** Keys that roles sign with: the others verify nothing. */
  async keysInUse(): Promise<NamedKey[]> {
    const names = new Set<string>();
    for (const name of await this.roleNames()) {
      const role = await this.role(name);
      if (role !== undefined) names.add(role.key);
    }
    const found: NamedKey[] = [];
    for (const name of names) {
      const key = await this.key(name);
      if (key !== undefined) found.push(key);
    }
    return found;
  }

  async keys(): Promise<NamedKey[]> {
    const found: NamedKey[] = [];
    for (const name of await this.#view.list('key/')) {
      const key = await this.key(name);
      if (key !== undefined) found.push(key);
    }
    return found;
  }

  async role(name: string): Promise<TokenRole | undefined> {
    return await this.#view.getRecord<TokenRole>(`role/${name}`);
  }

  async putRole(name: string, role: TokenRole): Promise<void> {
    const names = await this.roleNames();
    if (!names.includes(name) && names.length >= ROLES_MAX)
      throw invalidRequest(`at most ${ROLES_MAX} roles are allowed`);
    this.#view.putJson(`role/${name}`, role);
  }

  deleteRole(name: string): void {
    this.#view.delete(`role/${name}`);
  }

  async roleNames(): Promise<readonly string[]> {
    return await this.#view.list('role/');
  }

  /** Roles that sign with a key. */
  async rolesOf(key: string): Promise<{ readonly name: string; readonly role: TokenRole }[]> {
    const found = [];
    for (const name of await this.roleNames()) {
      const role = await this.role(name);
      if (role?.key === key) found.push({ name, role });
    }
    return found;
  }
}
