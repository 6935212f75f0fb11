/**
 * Stored ACL policies, one record per policy and namespace. A policy is found by (namespace, name) as a pair, never by a
 * joined text (CVE-2026-115365), and its text is parsed once per stored revision.
 */
import { RequestError, invalidRequest } from '../model/errors.ts';
import type { Stored, Transaction, Unit } from '../model/transaction.ts';
import { listTree } from '../model/listing/list-tree.ts';
import type { AclInput } from './acl.ts';
import {
  DEFAULT_POLICY_TEXT,
  FIXED_POLICY_NAMES,
  RESPONSE_WRAPPING_POLICY,
  RESPONSE_WRAPPING_POLICY_NAME,
  RESPONSE_WRAPPING_POLICY_TEXT,
  ROOT_POLICY,
} from './builtin.ts';
import { parsePolicy } from './parse.ts';
import {
  DEFAULT_POLICY_NAME,
  ROOT_POLICY_NAME,
  canonicalPolicyName,
  policyNameProblem,
} from './policy-name.ts';
import { PolicyError } from './policy.ts';
import type { Policy } from './policy.ts';
import type { TemplateAllowances } from './template.ts';
import { NO_ALLOWANCES } from './template.ts';
import { ROOT_NAMESPACE_ID } from '../model/principal.ts';

const PREFIX = 'sys/policy/';
/** Records that a listing reads at a time. */
const READ_BATCH = 500;

interface PolicyRecord {
  readonly text: string;
  readonly version: number;
  readonly casRequired: boolean;
  readonly modifiedMs: number;
  /** When its namespace began; only `default` keeps it. */
  readonly beganMs?: number;
  readonly expiresAtMs: number | null;
  readonly allowances: TemplateAllowances;
}

export interface StoredPolicy extends PolicyRecord {
  readonly name: string;
  readonly policy: Policy;
}

export interface PolicyChange {
  /** Canonical. */
  readonly name: string;
  readonly text: string;
  /** The version that the stored policy must have: 0 or -1 = none yet; undefined = any. */
  readonly cas: number | undefined;
  readonly casRequired: boolean;
  readonly expiresAtMs: number | undefined;
  readonly allowances: TemplateAllowances;
}

export interface PolicyStorePorts {
  /**
   * Called in the unit that writes or deletes a policy of the namespace. The core makes every decision that starts after the
   * unit's commit see it: it advances the epoch under which ACLs are cached.
   */
  changed(unit: Unit, namespaceId: string): void;
}

/** Where policies live: `path` is `''` or `a/b/`. */
export interface PolicyNamespace {
  readonly id: string;
  readonly path: string;
}

/** Parsed policies by their decoded record, which is one object per stored revision. */
type ParsedByRecord = WeakMap<object, Policy>;

export class PolicyStore {
  readonly #ports: PolicyStorePorts;
  readonly #parsed: ParsedByRecord = new WeakMap();

  constructor(ports: PolicyStorePorts) {
    this.#ports = ports;
  }

  /** Writes the `default` policy of a new namespace. Does nothing when it is there. */
  async initialize(unit: Unit, namespaceId: string, nowMs: number): Promise<void> {
    const existing = await view(unit, namespaceId).getRecord<PolicyRecord>(DEFAULT_POLICY_NAME);
    if (existing !== undefined) return;
    const record: PolicyRecord = {
      text: DEFAULT_POLICY_TEXT,
      version: 1,
      casRequired: false,
      modifiedMs: nowMs,
      beganMs: nowMs,
      expiresAtMs: null,
      allowances: NO_ALLOWANCES,
    };
    view(unit, namespaceId).putJson(DEFAULT_POLICY_NAME, record);
    this.#ports.changed(unit, namespaceId);
  }

  /** The policy, undefined when there is none or it has expired. `name` is canonical. */
  async get(
    unit: Unit,
    namespaceId: string,
    name: string,
    nowMs: number,
  ): Promise<StoredPolicy | undefined> {
    const fixed = fixedPolicy(namespaceId, name);
    if (fixed?.name === RESPONSE_WRAPPING_POLICY_NAME) {
      // It is as old as its namespace, in which it was never changed.
      const first = await view(unit, namespaceId).getRecord<PolicyRecord>(DEFAULT_POLICY_NAME);
      return { ...fixed, modifiedMs: first?.beganMs ?? first?.modifiedMs ?? 0 };
    }
    if (fixed !== undefined) return fixed;
    if (policyNameProblem(name) !== undefined) return undefined;
    const record = await view(unit, namespaceId).getRecord<PolicyRecord>(name);
    return record === undefined || isExpired(record, nowMs)
      ? undefined
      : { ...record, name, policy: this.#parse(record, name) };
  }

  /** The policies of a namespace as inputs of an ACL; names without a policy are left out, as in the reference. */
  async aclInputs(
    unit: Unit,
    namespace: PolicyNamespace,
    names: readonly string[],
    nowMs: number,
  ): Promise<readonly AclInput[]> {
    const inputs: AclInput[] = [];
    const canonical = new Set(names.map(canonicalPolicyName));
    for (const found of await this.#getAll(unit, namespace.id, [...canonical], nowMs)) {
      if (found === undefined) continue;
      inputs.push({
        policy: found.policy,
        namespaceId: namespace.id,
        namespacePath: namespace.path,
        expiresAtMs: found.expiresAtMs ?? undefined,
        allowances: found.allowances,
      });
    }
    return inputs;
  }

  /** Those of the names that no policy has. */
  async missing(
    unit: Unit,
    namespaceId: string,
    names: readonly string[],
    nowMs: number,
  ): Promise<readonly string[]> {
    const canonical = names.map(canonicalPolicyName);
    const found = await this.#getAll(unit, namespaceId, canonical, nowMs);
    return names.filter((_, index) => found[index] === undefined);
  }

  /**
   * Names that begin with the folder `prefix` (`''` or ending in '/'), sorted, those with more slashes later, `root` last. `response-wrapping` is hidden.
   */
  async list(
    unit: Unit,
    namespaceId: string,
    prefix: string,
    nowMs: number,
  ): Promise<readonly string[]> {
    const stored = view(unit, namespaceId);
    const names = await listTree(stored, prefix);
    const live: string[] = [];
    for (let start = 0; start < names.length; start += READ_BATCH) {
      const batch = names.slice(start, start + READ_BATCH);
      const records = await stored.getRecords<PolicyRecord>(batch);
      for (const [index, name] of batch.entries()) {
        const record = records[index];
        if (record !== undefined && !isExpired(record, nowMs)) live.push(name);
      }
    }
    live.sort(byDepth);
    if (prefix === '' && namespaceId === ROOT_NAMESPACE_ID) live.push(ROOT_POLICY_NAME);
    return live;
  }

  /** @throws {RequestError} a fixed or impossible name, a text that is no policy, or a version that does not match */
  async set(unit: Unit, namespaceId: string, change: PolicyChange, nowMs: number): Promise<void> {
    const { name, cas } = change;
    if (FIXED_POLICY_NAMES.includes(name)) throw invalidRequest(`cannot update "${name}" policy`);
    const problem = policyNameProblem(name);
    if (problem !== undefined) throw invalidRequest(problem);
    assertPolicy(change.text, name);
    const existing = await view(unit, namespaceId).getRecord<PolicyRecord>(name);
    if (cas === undefined && (change.casRequired || existing?.casRequired === true)) {
      throw invalidRequest('check-and-set parameter required for this call');
    }
    if (cas === -1 && existing !== undefined) {
      throw invalidRequest('check-and-set parameter set to -1 on existing entry');
    }
    if (cas !== undefined && cas !== -1 && cas !== (existing?.version ?? 0)) {
      throw invalidRequest('check-and-set parameter did not match the current version');
    }
    const record: PolicyRecord = {
      text: change.text,
      version: (existing?.version ?? 0) + 1,
      casRequired: change.casRequired,
      modifiedMs: nowMs,
      ...(existing?.beganMs !== undefined && { beganMs: existing.beganMs }),
      expiresAtMs: change.expiresAtMs ?? null,
      allowances: change.allowances,
    };
    view(unit, namespaceId).putJson(name, record);
    this.#ports.changed(unit, namespaceId);
  }

  /** Deletes the policy; nothing happens when it is not there. @throws {RequestError} it may not be deleted */
  async delete(unit: Unit, namespaceId: string, name: string): Promise<void> {
    if (FIXED_POLICY_NAMES.includes(name)) throw invalidRequest(`cannot delete "${name}" policy`);
    if (name === DEFAULT_POLICY_NAME) throw invalidRequest('cannot delete default policy');
    if (policyNameProblem(name) !== undefined) return;
    const existing = await view(unit, namespaceId).getRecord<PolicyRecord>(name);
    if (existing === undefined) return;
    view(unit, namespaceId).delete(name);
    this.#ports.changed(unit, namespaceId);
  }

  /** In the order of `names`, read in one go. */
  async #getAll(
    unit: Unit,
    namespaceId: string,
    names: readonly string[],
    nowMs: number,
  ): Promise<readonly (StoredPolicy | undefined)[]> {
    const stored = names.filter(
      (name) =>
        fixedPolicy(namespaceId, name) === undefined && policyNameProblem(name) === undefined,
    );
    const records = await view(unit, namespaceId).getRecords<PolicyRecord>(stored);
    const byName = new Map(stored.map((name, index) => [name, records[index]]));
    return names.map((name) => {
      const record = byName.get(name);
      if (record === undefined) return fixedPolicy(namespaceId, name);
      if (isExpired(record, nowMs)) return undefined;
      return { ...record, name, policy: this.#parse(record, name) };
    });
  }

  /** @throws {RequestError} the stored text cannot be parsed: nothing is decided without it */
  #parse(record: Stored<PolicyRecord>, name: string): Policy {
    let policy = this.#parsed.get(record);
    if (policy === undefined) {
      try {
        policy = parsePolicy(record.text, name);
      } catch (cause) {
        const detail = `stored policy ${JSON.stringify(name)} cannot be parsed`;
        throw new RequestError('internal', 'internal error', { detail, cause });
      }
      this.#parsed.set(record, policy);
    }
    return policy;
  }
}

function view(unit: Unit, namespaceId: string): Transaction {
  return unit.view(namespaceId, PREFIX);
}

function isExpired(record: Pick<PolicyRecord, 'expiresAtMs'>, nowMs: number): boolean {
  return record.expiresAtMs !== null && nowMs > record.expiresAtMs;
}

/** `root` lives in the root namespace only; `response-wrapping` everywhere. */
function fixedPolicy(namespaceId: string, name: string): StoredPolicy | undefined {
  const fixed = { casRequired: false, modifiedMs: 0, expiresAtMs: null, allowances: NO_ALLOWANCES };
  if (name === ROOT_POLICY_NAME && namespaceId === ROOT_NAMESPACE_ID) {
    return { ...fixed, name, text: '', version: 0, policy: ROOT_POLICY };
  }
  if (name === RESPONSE_WRAPPING_POLICY_NAME) {
    const text = RESPONSE_WRAPPING_POLICY_TEXT;
    return { ...fixed, name, text, version: 1, policy: RESPONSE_WRAPPING_POLICY };
  }
  return undefined;
}

function assertPolicy(text: string, name: string): void {
  try {
    parsePolicy(text, name);
  } catch (error) {
    if (error instanceof PolicyError) throw invalidRequest(error.message);
    throw error;
  }
}

/** The reference lists level by level. */
function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length || (a < b ? -1 : 1);
}
