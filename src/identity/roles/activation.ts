/** Activating a role: with a reason, for a while, by who may, after the approvals that the role asks for. */
import { uuid } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { invalidRequest, permissionDenied } from '../../model/errors.ts';
import type { Directory } from '../directory.ts';
import type { EntityRecord } from '../records.ts';
import { isEligible } from './exclusions.ts';
import { ACTIVATIONS_MAX, PENDING_TTL_SECONDS, REASON_LENGTH_MAX, isActive } from './records.ts';
import type { Activation, EligibleRole } from './records.ts';
import { RoleStore } from './role-store.ts';
import { membershipOf } from '../membership.ts';
import type { Membership } from '../membership.ts';

export interface ActivationWish {
  readonly reason: string;
  /** 0 = what the role says. */
  readonly ttlSeconds: number;
}

/** An activation with the one whose it is. */
export interface Found {
  readonly activation: Activation;
  readonly entity: EntityRecord;
}

/** The policies of somebody's active roles, and until when they stay so; a role counts while it is there and its holder eligible. */
export async function activePolicies(
  directory: Directory,
  holder: Membership,
  nowMs: number,
): Promise<{ readonly policies: readonly string[]; readonly untilMs: number }> {
  const store = new RoleStore(directory.unit, directory.namespace);
  const policies: string[] = [];
  let untilMs = Number.POSITIVE_INFINITY;
  for (const activation of holder.entity.activations ?? []) {
    if (!isActive(activation, nowMs)) continue;
    untilMs = Math.min(untilMs, activation.untilMs);
    const role = await store.role(activation.role);
    if (role !== undefined && isEligible(role, holder)) policies.push(...role.policies);
  }
  return { policies, untilMs };
}

/** Writes an entity's activations, without those that are over. */
function putActivations(
  directory: Directory,
  entity: EntityRecord,
  activations: readonly Activation[],
  nowMs: number,
): void {
  const store = new RoleStore(directory.unit, directory.namespace);
  const kept = activations.filter((each) => nowMs < each.untilMs);
  const ids = new Set(kept.map((each) => each.id));
  for (const before of entity.activations ?? [])
    if (!ids.has(before.id)) store.deleteHolder(before.id);
  for (const each of kept) store.putHolder(each.id, entity.id);
  directory.putEntity({ ...entity, activations: kept }, entity);
}

/** @throws {RequestError} */
export async function activate(
  directory: Directory,
  holder: Membership,
  role: EligibleRole,
  wish: ActivationWish,
  at: { readonly nowMs: number; readonly random: Random },
): Promise<Activation> {
  const { nowMs } = at;
  const reason = wish.reason.trim();
  if (reason === '') throw invalidRequest('a reason is needed');
  if (reason.length > REASON_LENGTH_MAX) throw invalidRequest('the reason is too long');
  if (!isEligible(role, holder)) throw permissionDenied('the entity is not eligible for the role');
  const ttlSeconds = wish.ttlSeconds === 0 ? role.defaultTtlSeconds : wish.ttlSeconds;
  if (ttlSeconds > role.maxTtlSeconds)
    throw invalidRequest(`ttl is longer than the ${role.maxTtlSeconds} seconds of the role`);
  const { entity } = holder;
  const others = (entity.activations ?? []).filter(
    (each) => nowMs < each.untilMs && each.role !== role.name,
  );
  if (others.length >= ACTIVATIONS_MAX)
    throw invalidRequest(`at most ${ACTIVATIONS_MAX} activations are allowed`);
  const waits = role.approvals > 0;
  const seconds = waits ? PENDING_TTL_SECONDS : ttlSeconds;
  const activation: Activation = {
    id: uuid(at.random),
    role: role.name,
    reason,
    requestedMs: nowMs,
    ttlSeconds,
    activeMs: waits ? 0 : nowMs,
    untilMs: nowMs + seconds * 1000,
    approvals: [],
  };
  // A new one takes the place of the one before: it is for a longer time, or for another reason.
  const same = (entity.activations ?? []).filter((each) => each.role === role.name);
  const running = waits ? same.filter((each) => isActive(each, nowMs)) : [];
  putActivations(directory, entity, [...others, ...running, activation], nowMs);
  return activation;
}

/** @throws {RequestError} when there is no such activation, or it is over */
export async function findActivation(
  directory: Directory,
  id: string,
  nowMs: number,
): Promise<Found> {
  const store = new RoleStore(directory.unit, directory.namespace);
  const holder = await store.holderOf(id);
  const entity = holder === undefined ? undefined : await directory.entity(holder);
  const activation = entity?.activations?.find((each) => each.id === id);
  if (entity === undefined || activation === undefined || nowMs >= activation.untilMs)
    throw invalidRequest('there is no such activation');
  return { activation, entity };
}

/** Whether somebody may approve what another waits for. */
export function mayApprove(role: EligibleRole, giver: Membership, holderId: string): boolean {
  if (giver.entity.id === holderId) return false;
  return giver.groups.some((group) => role.approverGroupIds.includes(group.id));
}

/** The role that waits, for one who may approve it. @throws {RequestError} */
async function roleToApprove(
  directory: Directory,
  { activation, entity }: Found,
  giver: Membership,
): Promise<EligibleRole> {
  if (activation.denied !== undefined) throw invalidRequest('the activation was denied');
  if (activation.activeMs !== 0) throw invalidRequest('the activation waits for nobody');
  const store = new RoleStore(directory.unit, directory.namespace);
  const role = await store.role(activation.role);
  if (role === undefined) throw invalidRequest('the role is gone');
  if (giver.entity.id === entity.id) throw invalidRequest('nobody approves an own activation');
  if (!mayApprove(role, giver, entity.id))
    throw permissionDenied('the approver is in no group that may approve');
  return role;
}

/** Ends the wait by one of those who may approve; its holder can see who and why until the wait would have ended. */
export async function denyActivation(
  directory: Directory,
  found: Found,
  giver: Membership,
  { reason, nowMs }: { readonly reason: string; readonly nowMs: number },
): Promise<void> {
  await roleToApprove(directory, found, giver);
  if (reason.length > REASON_LENGTH_MAX) throw invalidRequest('the reason is too long');
  const { activation, entity } = found;
  const { id: entityId, name, aliases } = giver.entity;
  const entityName = aliases[0]?.name ?? name;
  const denied: Activation = {
    ...activation,
    denied: { entityId, entityName, atMs: nowMs, reason },
  };
  const others = (entity.activations ?? []).filter((each) => each.id !== activation.id);
  putActivations(directory, entity, [...others, denied], nowMs);
}

/**
 * Whose approvals count when the next one comes: who is still there, enabled and in a group that may approve, and has not become
 * the holder by a merge.
 */
async function standingApprovers(
  directory: Directory,
  role: EligibleRole,
  { activation, entity }: Found,
): Promise<ReadonlySet<string>> {
  const standing = new Set<string>();
  for (const { entityId } of activation.approvals) {
    const giver = await membershipOf(directory, entityId);
    if (giver === undefined || giver.entity.disabled) continue;
    if (mayApprove(role, giver, entity.id)) standing.add(giver.entity.id);
  }
  return standing;
}

/** Adds an approval; the activation begins with the last one that is missing. @throws {RequestError} */
export async function approveActivation(
  directory: Directory,
  { activation, entity }: Found,
  giver: Membership,
  nowMs: number,
): Promise<Activation> {
  const role = await roleToApprove(directory, { activation, entity }, giver);
  const before = await standingApprovers(directory, role, { activation, entity });
  if (before.has(giver.entity.id)) throw invalidRequest('approver has already approved');
  const { id: entityId, name: entityName } = giver.entity;
  const approvals = [...activation.approvals, { entityId, entityName, atMs: nowMs }];
  const complete = before.size + 1 >= role.approvals;
  const approved: Activation = {
    ...activation,
    approvals,
    ...(complete && { activeMs: nowMs, untilMs: nowMs + activation.ttlSeconds * 1000 }),
  };
  const others = (entity.activations ?? []).filter(
    (each) => each.id !== activation.id && !(complete && each.role === activation.role),
  );
  putActivations(directory, entity, [...others, approved], nowMs);
  return approved;
}

/** Ends an activation, or the wait for one, at once. */
export function endActivation(
  directory: Directory,
  { activation, entity }: Found,
  nowMs: number,
): void {
  const others = (entity.activations ?? []).filter((each) => each.id !== activation.id);
  putActivations(directory, entity, others, nowMs);
}

/** Ends what somebody has of a role, also what still waits. @returns whether there was anything */
export function endActivationsOf(
  directory: Directory,
  entity: EntityRecord,
  role: string,
  nowMs: number,
): boolean {
  const all = entity.activations ?? [];
  const ended = all.some((each) => each.role === role && nowMs < each.untilMs);
  if (ended) {
    const others = all.filter((each) => each.role !== role);
    putActivations(directory, entity, others, nowMs);
  }
  return ended;
}
