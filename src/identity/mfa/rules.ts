/** Every method and enforcement of every namespace: which of them a login has to satisfy. Small, and kept in memory. */
import type { Unit } from '../../model/transaction.ts';
import { MfaStore } from './mfa-store.ts';
import type { MfaEnforcement, MfaMethod } from './records.ts';
import type { Membership } from '../membership.ts';
import type { NamespaceRef } from '../../model/principal.ts';

/** The door that somebody came in by. */
export interface LoginDoor {
  readonly namespace: NamespaceRef;
  readonly accessor: string;
  readonly type: string;
}

export class MfaRules {
  readonly methods: ReadonlyMap<string, MfaMethod>;
  readonly #enforcements: readonly MfaEnforcement[];
  readonly #paths: ReadonlyMap<string, string>;

  constructor(
    methods: readonly MfaMethod[],
    enforcements: readonly MfaEnforcement[],
    /** Paths of namespaces by id. */
    paths: ReadonlyMap<string, string>,
  ) {
    this.methods = new Map(methods.map((method) => [method.id, method]));
    this.#enforcements = enforcements;
    this.#paths = paths;
  }

  /** No login has to show anything. */
  get isEmpty(): boolean {
    return this.#enforcements.length === 0;
  }

  namespacePath({ namespaceId }: { readonly namespaceId: string }): string {
    return this.#paths.get(namespaceId) ?? '';
  }

  /** Whether something of one namespace counts in another: in its own and in those below it. */
  reaches(what: { readonly namespaceId: string }, namespace: NamespaceRef): boolean {
    const path = this.#paths.get(what.namespaceId);
    return path !== undefined && namespace.path.startsWith(path);
  }

  /** The methods that can be used in a namespace. */
  methodsFor(namespace: NamespaceRef): readonly MfaMethod[] {
    return [...this.methods.values()].filter((method) => this.reaches(method, namespace));
  }

  enforcementsOf(namespaceId: string): readonly MfaEnforcement[] {
    return this.#enforcements.filter((rule) => rule.namespaceId === namespaceId);
  }

  enforcementThatUses(methodId: string): MfaEnforcement | undefined {
    return this.#enforcements.find((rule) => rule.methodIds.includes(methodId));
  }

  /** Every enforcement that a login has to satisfy. */
  matching(door: LoginDoor, who: Membership | undefined): readonly MfaEnforcement[] {
    return this.#enforcements.filter((rule) => {
      if (!this.reaches(rule, door.namespace)) return false;
      if (rule.accessors.includes(door.accessor) || rule.types.includes(door.type)) return true;
      if (who === undefined) return false;
      if (rule.entityIds.includes(who.entity.id)) return true;
      return who.groups.some((group) => rule.groupIds.includes(group.id));
    });
  }
}

export async function loadMfaRules(
  unit: Unit,
  namespaces: Iterable<NamespaceRef>,
): Promise<MfaRules> {
  const methods: MfaMethod[] = [];
  const enforcements: MfaEnforcement[] = [];
  const paths = new Map<string, string>();
  for (const namespace of namespaces) {
    paths.set(namespace.id, namespace.path);
    const store = new MfaStore(unit, namespace);
    methods.push(...(await store.methods()));
    enforcements.push(...(await store.enforcements()));
  }
  return new MfaRules(methods, enforcements, paths);
}
