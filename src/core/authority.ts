/** Turns a principal into what it may do, as of the unit's snapshot. */
import type { JsonObject } from '../base/json.ts';
import type { Operation, Principal } from '../model/request.ts';
import type { CoreUnit } from './epoch-cache.ts';

export interface Question {
  readonly operation: Operation;
  /** Namespace path included; ends in '/' for list and scan. */
  readonly path: string;
  readonly data: Readonly<JsonObject>;
  readonly wrapTtlSeconds: number;
  readonly nowMs: number;
}

export interface Decision {
  readonly allowed: boolean;
  /** The caller also holds `sudo` here, or is root. */
  readonly sudo: boolean;
  /** Names of the policies whose rule decided. */
  readonly policies: readonly string[];
  /** For the log and for `policy explain`; never for the caller. */
  readonly reason: string;
}

export interface Acl {
  readonly root: boolean;
  decide(question: Question): Decision;
  /** Sorted; `deny` or `root` alone. */
  capabilities(path: string): readonly string[];
}

export interface Authority {
  acl(
    unit: CoreUnit,
    principal: Pick<Principal, 'tokenNamespace' | 'policies' | 'entityId'>,
  ): Promise<Acl>;
}
