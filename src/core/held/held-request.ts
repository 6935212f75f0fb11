/** A request that waits for approvals: what was asked, by whom, and who has approved it. It lives and dies with a wrapping token. */
import type { JsonObject } from '../../base/json.ts';
import type { Operation } from '../../model/request.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import type { ControlGroup } from '../../policy/policy.ts';
import type { TokenRecord, TokenRef } from '../../tokens/token-record.ts';
import type { Call } from '../call.ts';
import { cubbyholePrefix } from '../cubbyhole.ts';

/** Where it lies in the wrapping token's cubbyhole, out of that token's own reach. */
const KEY = 'held-request';
/** Largest request that is kept, as JSON. */
export const HELD_LENGTH_MAX: number = 512 * 1024;

export interface Authorization {
  readonly entityId: string;
  readonly entityName: string;
  readonly atMs: number;
}

export interface Denial extends Authorization {
  readonly reason: string;
}

export interface HeldRequest {
  /** Of the wrapping token: what the request is known by. */
  readonly accessor: string;
  readonly requestedMs: number;
  readonly untilMs: number;
  /** Why it was made, as whoever asked says; '' when nothing was said. */
  readonly reason: string;
  readonly call: Pick<Call, 'operation' | 'path' | 'query' | 'wrapTtlSeconds'>;
  readonly body: Readonly<JsonObject> | null;
  /** What the policies judged: `create` or `update`, where the call says `write`. */
  readonly operation: Operation;
  /** The namespace that the request is for, and the one of the token, where its policies and groups are. */
  readonly namespaceId: string;
  readonly tokenNamespaceId: string;
  readonly entityId: string;
  readonly entityName: string;
  /** The token that asked; a batch token is its own record. */
  readonly token: Stored<TokenRef> | Stored<TokenRecord>;
  /** As the policies had them then. */
  readonly groups: readonly ControlGroup[];
  readonly authorizations: readonly Authorization[];
  /** Somebody who might have approved it does not want it: it is never made. */
  readonly denied?: Denial;
}

export function putHeld(unit: Unit, wrapping: TokenRef, held: HeldRequest): void {
  unit.view(wrapping.namespaceId, cubbyholePrefix(wrapping.id)).putJson(KEY, held);
}

export async function heldRequest(
  unit: Unit,
  wrapping: TokenRef,
): Promise<HeldRequest | undefined> {
  return await unit
    .view(wrapping.namespaceId, cubbyholePrefix(wrapping.id))
    .getJson<HeldRequest>(KEY);
}
