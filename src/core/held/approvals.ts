/**
 * Requests that a policy's control group holds back until others have approved them. The caller gets a wrapping token in place
 * of the answer; whoever the policy names authorises by that token's accessor; then the token opens, and the request is made.
 */
import { permissionDenied, invalidRequest } from '../../model/errors.ts';
import type { Stored } from '../../model/transaction.ts';
import { NEEDED_CAPABILITY } from '../../policy/capability.ts';
import { neededFactors } from '../../policy/control-group.ts';
import type { NeededFactor } from '../../policy/control-group.ts';
import type { TokenRecord, TokenRef } from '../../tokens/token-record.ts';
import type { TokenStore } from '../../tokens/token-store.ts';
import type { CoreUnit } from '../epoch-cache.ts';
import { heldRequest, putHeld } from './held-request.ts';
import type { HeldRequest } from './held-request.ts';
import { waitingIn } from './waiting.ts';
import type { NamespaceRef, Principal } from '../../model/principal.ts';

/** Who is behind an entity id now, through merges; undefined when nobody is. */
export interface Approver {
  readonly id: string;
  readonly name: string;
  /** Names that it logs in by: its own may be one that nobody has chosen. */
  readonly aliases: readonly string[];
  readonly disabled: boolean;
  /** Inherited ones included. */
  readonly groups: readonly { readonly id: string; readonly name: string }[];
}

export interface ApprovalPorts {
  readonly tokens: TokenStore;
  readonly approver: (
    unit: CoreUnit,
    namespaceId: string,
    entityId: string,
  ) => Promise<Approver | undefined>;
}

/** Approvals of one request, at most: more than any policy asks for. */
const AUTHORIZATIONS_MAX = 100;
/** Requests that one listing answers: those whose wait ends first. */
const LISTED_MAX = 200;

export interface Standing {
  readonly held: HeldRequest;
  readonly requester: Approver | undefined;
  /** Names of those whose approval counts; undefined while some are missing. */
  readonly approvedBy: readonly string[] | undefined;
  /** The caller asked for it, or may approve it: it sees what it is about. */
  readonly concerned: boolean;
  readonly mayApprove: boolean;
  /** The caller has approved it. */
  readonly given: boolean;
  readonly factors: readonly NeededFactor[];
}

export class Approvals {
  readonly #ports: ApprovalPorts;

  constructor(ports: ApprovalPorts) {
    this.#ports = ports;
  }

  /**
   * Who has approved a request, as far as these factors ask for it; undefined while somebody is missing. An approval counts
   * while its giver is there, enabled, a member of a group that the factor names, and not the one who asked.
   */
  async approvedBy(
    unit: CoreUnit,
    held: HeldRequest,
    factors: readonly NeededFactor[],
  ): Promise<readonly string[] | undefined> {
    const requester = await this.#approver(unit, held, held.entityId);
    const givers = new Map<string, Approver>();
    for (const { entityId } of held.authorizations) {
      const giver = await this.#approver(unit, held, entityId);
      if (giver !== undefined && !giver.disabled) givers.set(giver.id, giver);
    }
    const counted = new Set<string>();
    for (const factor of factors) {
      const fitting = [...givers.values()].filter((giver) => fits(giver, factor, requester?.id));
      if (fitting.length < factor.approvals) return undefined;
      for (const giver of fitting) counted.add(giver.name);
    }
    return [...counted].sort();
  }

  /** What waits here for the caller's approval, and what it asked for itself; those whose wait ends first. */
  async waiting(
    unit: CoreUnit,
    namespace: NamespaceRef,
    caller: Principal | undefined,
    nowMs: number,
  ): Promise<readonly Standing[]> {
    if (caller === undefined || caller.entityId === '') return [];
    const { tokenNamespace, entityId } = caller;
    const asker = await this.#ports.approver(unit, tokenNamespace.id, entityId);
    if (asker === undefined) return [];
    const standings: Standing[] = [];
    for (const waiting of await waitingIn(unit, namespace.id, nowMs)) {
      if (standings.length === LISTED_MAX) break;
      const own = waiting.entityId === asker.id;
      if (!own && !waiting.factors.some((factor) => fits(asker, factor, undefined))) continue;
      const held = await heldRequest(unit, waiting.wrapping);
      if (held === undefined) continue;
      const standing = await this.#standing(unit, held, caller);
      if (standing.concerned) standings.push(standing);
    }
    return standings;
  }

  /** How a held request stands. @throws {RequestError} when the accessor is not of one that waits here */
  async standing(
    unit: CoreUnit,
    namespace: NamespaceRef,
    accessor: string,
    caller: Principal | undefined,
    nowMs: number,
  ): Promise<Standing> {
    const { held } = await this.#find(unit, namespace, accessor, nowMs);
    return await this.#standing(unit, held, caller);
  }

  async #standing(
    unit: CoreUnit,
    held: HeldRequest,
    caller: Principal | undefined,
  ): Promise<Standing> {
    const requester = await this.#approver(unit, held, held.entityId);
    const factors = factorsOf(held);
    const asker = await this.#caller(unit, held, caller);
    const mayApprove =
      asker !== undefined && factors.some((factor) => fits(asker, factor, requester?.id));
    const concerned = mayApprove || (asker !== undefined && asker.id === requester?.id);
    const approvedBy =
      held.denied === undefined ? await this.approvedBy(unit, held, factors) : undefined;
    const given = held.authorizations.some(({ entityId }) => entityId === asker?.id);
    return { held, requester, approvedBy, concerned, mayApprove, given, factors };
  }

  /** Adds the caller's approval; whether that was the last one missing. @throws {RequestError} */
  async authorize(
    unit: CoreUnit,
    namespace: NamespaceRef,
    accessor: string,
    caller: Principal | undefined,
    nowMs: number,
  ): Promise<boolean> {
    const { held, wrapping } = await this.#find(unit, namespace, accessor, nowMs);
    const giver = await this.#giver(unit, held, caller);
    const factors = factorsOf(held);
    if (held.authorizations.some(({ entityId }) => entityId === giver.id))
      throw invalidRequest('approver has already authorized');
    if (held.authorizations.length >= AUTHORIZATIONS_MAX)
      throw invalidRequest(`at most ${AUTHORIZATIONS_MAX} approvals are kept`);
    const { id: entityId, name: entityName } = giver;
    const authorizations = [...held.authorizations, { entityId, entityName, atMs: nowMs }];
    const approved: HeldRequest = { ...held, authorizations };
    putHeld(unit, wrapping, approved);
    return (await this.approvedBy(unit, approved, factors)) !== undefined;
  }

  /** Ends the wait for good, by one of those who may approve; also after they have. @throws {RequestError} */
  async deny(
    unit: CoreUnit,
    namespace: NamespaceRef,
    wish: { readonly accessor: string; readonly reason: string },
    caller: Principal | undefined,
    nowMs: number,
  ): Promise<void> {
    const { held, wrapping } = await this.#find(unit, namespace, wish.accessor, nowMs);
    const { id: entityId, name, aliases } = await this.#giver(unit, held, caller);
    const entityName = aliases[0] ?? name;
    const denied = { entityId, entityName, atMs: nowMs, reason: wish.reason };
    putHeld(unit, wrapping, { ...held, denied });
  }

  /** The caller as one who may approve. @throws {RequestError} */
  async #giver(
    unit: CoreUnit,
    held: HeldRequest,
    caller: Principal | undefined,
  ): Promise<Approver> {
    if (held.denied !== undefined) throw invalidRequest('the request was denied');
    const giver = await this.#caller(unit, held, caller);
    if (giver === undefined) throw permissionDenied('the approver has no entity there');
    const requester = await this.#approver(unit, held, held.entityId);
    if (factorsOf(held).some((factor) => fits(giver, factor, requester?.id))) return giver;
    if (giver.id === requester?.id) throw invalidRequest('token owner cannot be approver');
    throw permissionDenied('the approver is in no group that may approve');
  }

  /** The name of the entity that asks. */
  async nameOf(unit: CoreUnit, { tokenNamespace, entityId }: Principal): Promise<string> {
    return (await this.#ports.approver(unit, tokenNamespace.id, entityId))?.name ?? '';
  }

  async #find(
    unit: CoreUnit,
    namespace: NamespaceRef,
    accessor: string,
    nowMs: number,
  ): Promise<{ readonly held: HeldRequest; readonly wrapping: TokenRef }> {
    if (accessor === '') throw invalidRequest('missing accessor');
    const token = await this.#ports.tokens.byAccessor(unit, namespace.id, accessor, nowMs);
    const wrapping = token === undefined ? undefined : wrappingRef(token);
    const held = wrapping === undefined ? undefined : await heldRequest(unit, wrapping);
    if (wrapping === undefined || held === undefined) throw invalidRequest('invalid accessor');
    return { held, wrapping };
  }

  /** The caller, if its groups are of the namespace whose policies hold the request back. */
  async #caller(
    unit: CoreUnit,
    held: HeldRequest,
    caller: Principal | undefined,
  ): Promise<Approver | undefined> {
    if (caller === undefined || caller.entityId === '') return undefined;
    if (caller.tokenNamespace.id !== held.tokenNamespaceId) return undefined;
    return await this.#approver(unit, held, caller.entityId);
  }

  async #approver(
    unit: CoreUnit,
    { tokenNamespaceId }: HeldRequest,
    entityId: string,
  ): Promise<Approver | undefined> {
    return await this.#ports.approver(unit, tokenNamespaceId, entityId);
  }
}

/** The factors that held a request back when it was made. */
export function factorsOf(held: HeldRequest): readonly NeededFactor[] {
  return neededFactors(held.groups, NEEDED_CAPABILITY[held.operation]);
}

function wrappingRef(token: Stored<TokenRecord>): TokenRef | undefined {
  if (token.wrapped === undefined) return undefined;
  return { id: token.id, namespaceId: token.namespaceId };
}

function fits(giver: Approver, factor: NeededFactor, requesterId: string | undefined): boolean {
  if (giver.id === requesterId && !factor.selfAuthorizationAllowed) return false;
  const names = new Set(factor.groupNames.map((name) => name.toLowerCase()));
  return giver.groups.some(
    (group) => factor.groupIds.includes(group.id) || names.has(group.name.toLowerCase()),
  );
}
