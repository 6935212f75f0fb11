/** Roles, activations and exclusions of one namespace as one unit sees them. */
import { invalidRequest } from '../../model/errors.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import { ROLES_MAX } from './records.ts';
import type { EligibleRole, Exclusion } from './records.ts';
import type { NamespaceRef } from '../../model/principal.ts';

export class RoleStore {
  readonly #view: Transaction;

  constructor(unit: Unit, namespace: Pick<NamespaceRef, 'id'>) {
    this.#view = unit.view(namespace.id, 'identity/roles/');
  }

  async role(name: string): Promise<EligibleRole | undefined> {
    return await this.#view.getRecord<EligibleRole>(`role/${name}`);
  }

  async roles(): Promise<EligibleRole[]> {
    return await this.#all<EligibleRole>('role/');
  }

  async putRole(role: EligibleRole): Promise<void> {
    await this.#admit('role/', role.name);
    this.#view.putJson(`role/${role.name}`, role);
  }

  deleteRole(name: string): void {
    this.#view.delete(`role/${name}`);
  }

  async exclusion(name: string): Promise<Exclusion | undefined> {
    return await this.#view.getRecord<Exclusion>(`exclusion/${name}`);
  }

  async exclusions(): Promise<Exclusion[]> {
    return await this.#all<Exclusion>('exclusion/');
  }

  async putExclusion(exclusion: Exclusion): Promise<void> {
    await this.#admit('exclusion/', exclusion.name);
    this.#view.putJson(`exclusion/${exclusion.name}`, exclusion);
  }

  deleteExclusion(name: string): void {
    this.#view.delete(`exclusion/${name}`);
  }

  /** The entity of an activation. */
  async holderOf(activationId: string): Promise<string | undefined> {
    if (!/^[\w-]{1,64}$/.test(activationId)) return undefined;
    return await this.#view.getRecord<string>(`activation/${activationId}`);
  }

  putHolder(activationId: string, entityId: string): void {
    this.#view.putJson(`activation/${activationId}`, entityId);
  }

  deleteHolder(activationId: string): void {
    this.#view.delete(`activation/${activationId}`);
  }

  async activationIds(): Promise<readonly string[]> {
    return await namesBelow(this.#view, 'activation/');
  }

  async #all<T>(prefix: string): Promise<T[]> {
    const names = await namesBelow(this.#view, prefix);
    const found = await this.#view.getRecords<T>(names.map((name) => prefix + name));
    return found.filter((each) => each !== undefined) as T[];
  }

  async #admit(prefix: string, name: string): Promise<void> {
    const names = await namesBelow(this.#view, prefix);
    if (!names.includes(name) && names.length >= ROLES_MAX)
      throw invalidRequest(`at most ${ROLES_MAX} are allowed`);
  }
}
