/** What a principal may do, from the policies in force at the unit's snapshot. */
import type { Awaitable } from '../base/awaitable.ts';
import { buildAcl } from '../policy/acl.ts';
import type { Acl, AclInput } from '../policy/acl.ts';
import { parsePolicy } from '../policy/parse.ts';
import type { PolicyStore } from '../policy/policy-store.ts';
import type { IdentityView } from '../policy/template.ts';
import type { World } from '../base/world.ts';
import type { CoreUnit } from './epoch-cache.ts';
import type { NamespaceRef, Principal } from '../model/principal.ts';

export interface PolicyAuthorityPorts {
  readonly world: World;
  readonly policies: PolicyStore;
  /** What templates see of the entity. */
  readonly identity: (
    unit: CoreUnit,
    namespaceId: string,
    entityId: string,
  ) => Promise<IdentityView>;
}

/** Advances with every change of a policy of a namespace. */
export function policyScope(namespaceId: string): string {
  return `policy/${namespaceId}`;
}

/** Advances with every change of an entity or group of a namespace. */
export function identityScope(namespaceId: string): string {
  return `identity/${namespaceId}`;
}

/** Access control lists kept; each is a few kilobytes. */
const KEPT_MAX = 2048;
const NOBODY: IdentityView = { entity: undefined, groups: [] };

/** What decides over somebody's rights. */
export type AclPrincipal = Pick<
  Principal,
  'tokenNamespace' | 'policies' | 'entityId' | 'inlinePolicy'
>;

interface Kept {
  readonly acl: Acl;
  readonly policyEpoch: number;
  readonly identityEpoch: number;
}

function inlineInput(namespace: NamespaceRef, text: string | undefined): readonly AclInput[] {
  if (text === undefined) return [];
  const policy = parsePolicy(text, '');
  return [{ policy, namespaceId: namespace.id, namespacePath: namespace.path }];
}

function isOf(kept: Kept | undefined, policyEpoch: number, identityEpoch: number): kept is Kept {
  return (
    kept !== undefined && kept.policyEpoch === policyEpoch && kept.identityEpoch === identityEpoch
  );
}

export class PolicyAuthority {
  readonly #ports: PolicyAuthorityPorts;
  readonly #kept = new Map<string, Kept>();
  /** The same by the very object: most requests come with a principal that was there before. */
  #keptFor = new WeakMap<AclPrincipal, Kept>();

  constructor(ports: PolicyAuthorityPorts) {
    this.#ports = ports;
  }

  /** The list of a principal; its policies live in the namespace of its token. */
  acl(unit: CoreUnit, principal: AclPrincipal): Awaitable<Acl> {
    const { tokenNamespace, entityId } = principal;
    const policyEpoch = unit.epoch(policyScope(tokenNamespace.id));
    const identityEpoch = entityId === '' ? 0 : unit.epoch(identityScope(tokenNamespace.id));
    if (policyEpoch instanceof Promise || identityEpoch instanceof Promise) {
      return Promise.all([policyEpoch, identityEpoch]).then((epochs) =>
        this.#at(unit, principal, epochs[0], epochs[1]),
      );
    }
    return this.#at(unit, principal, policyEpoch, identityEpoch);
  }

  clear(): void {
    this.#kept.clear();
    this.#keptFor = new WeakMap();
  }

  #at(
    unit: CoreUnit,
    principal: AclPrincipal,
    policyEpoch: number,
    identityEpoch: number,
  ): Awaitable<Acl> {
    const known = this.#keptFor.get(principal);
    if (isOf(known, policyEpoch, identityEpoch)) return known.acl;
    const { tokenNamespace, policies, entityId, inlinePolicy } = principal;
    // A tuple in JSON: names cannot run into each other (CVE-2026-115365).
    const who = [tokenNamespace.id, tokenNamespace.path, entityId, policies];
    const key = JSON.stringify(inlinePolicy === undefined ? who : [...who, inlinePolicy]);
    const kept = this.#kept.get(key);
    if (isOf(kept, policyEpoch, identityEpoch)) {
      this.#keptFor.set(principal, kept);
      return kept.acl;
    }
    return this.#build(unit, principal).then((acl) => {
      if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
      this.#kept.set(key, { acl, policyEpoch, identityEpoch });
      return acl;
    });
  }

  async #build(unit: CoreUnit, principal: AclPrincipal): Promise<Acl> {
    const { tokenNamespace, policies, entityId, inlinePolicy } = principal;
    const nowMs = this.#ports.world.clock.nowMs();
    const named = await this.#ports.policies.aclInputs(unit, tokenNamespace, policies, nowMs);
    const inputs = [...named, ...inlineInput(tokenNamespace, inlinePolicy)];
    const identity =
      entityId === '' ? NOBODY : await this.#ports.identity(unit, tokenNamespace.id, entityId);
    return buildAcl(inputs, { identity, nowMs });
  }
}
