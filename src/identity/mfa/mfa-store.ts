/** The second factors of one namespace as one unit sees them. */
import { invalidRequest } from '../../model/errors.ts';
import { namesBelow } from '../../model/listing/list-names.ts';
import type { Transaction, Unit } from '../../model/transaction.ts';
import type { MfaEnforcement, MfaMethod, TotpSecret, UsedSteps } from './records.ts';
import type { NamespaceRef } from '../../model/principal.ts';

/** Most methods, and most enforcements, of a namespace: every login goes through the latter. */
const RECORDS_MAX = 1000;
/** Secrets that the deletion of a method removes; of any others the method is gone, which they are useless without. */
const SECRETS_AT_ONCE = 1000;

export class MfaStore {
  readonly #view: Transaction;

  constructor(unit: Unit, namespace: Pick<NamespaceRef, 'id'>) {
    this.#view = unit.view(namespace.id, 'identity/mfa/');
  }

  async methods(): Promise<MfaMethod[]> {
    return await this.#all<MfaMethod>('method/');
  }

  async enforcements(): Promise<MfaEnforcement[]> {
    return await this.#all<MfaEnforcement>('enforcement/');
  }

  async putMethod(method: MfaMethod): Promise<void> {
    await this.#admit('method/', method.id);
    this.#view.putJson(`method/${method.id}`, method);
  }

  async deleteMethod(id: string): Promise<void> {
    this.#view.delete(`method/${id}`);
    for (const kind of ['secret', 'used']) {
      const folder = `${kind}/${id}/`;
      for (const entityId of await this.#view.list(folder, { limit: SECRETS_AT_ONCE }))
        this.#view.delete(folder + entityId);
    }
  }

  async enforcement(name: string): Promise<MfaEnforcement | undefined> {
    return await this.#view.getRecord<MfaEnforcement>(`enforcement/${name}`);
  }

  async putEnforcement(rule: MfaEnforcement): Promise<void> {
    await this.#admit('enforcement/', rule.name);
    this.#view.putJson(`enforcement/${rule.name}`, rule);
  }

  deleteEnforcement(name: string): void {
    this.#view.delete(`enforcement/${name}`);
  }

  /** Never through the cache of decoded records. */
  async secret(methodId: string, entityId: string): Promise<TotpSecret | undefined> {
    return await this.#view.getJson<TotpSecret>(`secret/${methodId}/${entityId}`);
  }

  putSecret(methodId: string, entityId: string, secret: TotpSecret): void {
    this.#view.putJson(`secret/${methodId}/${entityId}`, secret);
  }

  deleteSecret(methodId: string, entityId: string): void {
    this.#view.delete(`secret/${methodId}/${entityId}`);
    this.#view.delete(`used/${methodId}/${entityId}`);
  }

  async usedSteps(methodId: string, entityId: string): Promise<readonly number[]> {
    const used = await this.#view.getRecord<UsedSteps>(`used/${methodId}/${entityId}`);
    return used?.steps ?? [];
  }

  putUsedSteps(methodId: string, entityId: string, steps: readonly number[]): void {
    this.#view.putJson(`used/${methodId}/${entityId}`, { steps });
  }

  async #all<T>(prefix: string): Promise<T[]> {
    const names = await namesBelow(this.#view, prefix);
    const found = await this.#view.getRecords<T>(names.map((name) => prefix + name));
    return found.filter((each) => each !== undefined) as T[];
  }

  async #admit(prefix: string, name: string): Promise<void> {
    const names = await namesBelow(this.#view, prefix);
    if (!names.includes(name) && names.length >= RECORDS_MAX)
      throw invalidRequest(`at most ${RECORDS_MAX} are allowed`);
  }
}
