/** What a quota is for: paths become ids when a rule is written, and ids paths again when it is read. */
import { invalidRequest } from '../../model/errors.ts';
import type { Stored, Unit } from '../../model/transaction.ts';
import {
  deleteQuotaRule,
  QUOTA_RULES_MAX,
  quotaRule,
  quotaRules,
  ROLE_PARAMETERS,
} from '../../core/quotas/records.ts';
import type { QuotaKind, QuotaRecords, QuotaScope } from '../../core/quotas/records.ts';
import type { Reply } from '../../model/reply.ts';

/** What a rule's path names. */
export interface QuotaTarget {
  readonly namespaceId: string;
  /** `''` or `a/b/`. */
  readonly namespacePath: string;
  /** Undefined when the path ends with the namespace. */
  readonly mount: QuotaMount | undefined;
  /** What is left of the path below the mount. */
  readonly suffix: string;
}

export interface QuotaMount {
  readonly accessor: string;
  /** Below its namespace: `auth/jwt/`. */
  readonly path: string;
  readonly isAuth: boolean;
  readonly type: string;
}

export interface QuotaPorts {
  /** Undefined when no mount of any namespace serves the path. */
  readonly target: (unit: Unit, path: string) => Promise<QuotaTarget | undefined>;
  /** Path, with its namespace, of the mount or namespace that a rule is for; undefined when that is gone. */
  readonly pathOf: (
    unit: Unit,
    scope: Pick<QuotaScope, 'namespaceId' | 'mountAccessor'>,
  ) => Promise<string | undefined>;
  /** To be called in every unit that changes a rule or the settings. */
  readonly changed: (unit: Unit) => void;
  readonly newId: () => string;
  /** Leases that count against a rule at the moment. */
  readonly leaseCount: (unit: Unit, rule: QuotaScope) => Promise<number>;
}

export interface ScopeFields {
  readonly name: string | undefined;
  readonly path: string;
  readonly role: string;
  readonly inheritable: boolean | undefined;
}

/** @throws {RequestError} 400 when the path names nothing, or a role cannot be meant there */
export async function scopeOf(
  ports: QuotaPorts,
  unit: Unit,
  fields: ScopeFields,
): Promise<QuotaScope> {
  const wanted = withSlash(fields.path.replace(/^\/+/, ''));
  const target = await ports.target(unit, wanted);
  if (target === undefined) throw invalidRequest(`invalid mount path "${wanted}"`);
  const { mount } = target;
  const suffix = target.suffix.replace(/\/$/, '');
  if (fields.role !== '') {
    if (suffix !== '') {
      throw invalidRequest('a quota cannot have both a path below the mount and a role');
    }
    if (mount === undefined || !mount.isAuth) {
      throw invalidRequest(
        `Mount path "${mount?.path ?? wanted}" is not a valid auth method and therefore unsuitable for use with role-based quotas`,
      );
    }
    if (!ROLE_PARAMETERS.has(mount.type)) {
      throw invalidRequest(
        `Mount path "${mount.path}" does not support use with role-based quotas`,
      );
    }
  }
  return {
    namespaceId: target.namespaceId,
    mountAccessor: mount?.accessor ?? '',
    suffix,
    role: fields.role,
    inheritable: fields.inheritable ?? (target.namespacePath === '' && mount === undefined),
  };
}

function withSlash(text: string): string {
  return text === '' || text.endsWith('/') ? text : `${text}/`;
}

/** Two rules for one thing would leave open which of them counts. @throws {RequestError} */
export async function refuseTwin(
  ports: QuotaPorts,
  unit: Unit,
  kind: QuotaKind,
  ruleName: string,
  scope: QuotaScope,
): Promise<void> {
  const rules = await quotaRules(unit, kind);
  if (rules.length >= QUOTA_RULES_MAX) throw invalidRequest('too many quotas');
  for (const rule of rules) {
    const same =
      rule.name !== ruleName &&
      rule.namespaceId === scope.namespaceId &&
      rule.mountAccessor === scope.mountAccessor &&
      rule.suffix === scope.suffix &&
      rule.role === scope.role;
    if (same && (await ports.pathOf(unit, rule)) !== undefined) {
      throw invalidRequest(
        `quota rule with similar properties exists under the name "${rule.name}"`,
      );
    }
  }
}

/** A rule whose mount or namespace is gone is gone as well. */
export async function living<K extends QuotaKind>(
  ports: QuotaPorts,
  unit: Unit,
  kind: K,
  ruleName: string,
): Promise<{ readonly rule: Stored<QuotaRecords[K]>; readonly path: string } | undefined> {
  const rule = await quotaRule(unit, kind, ruleName);
  if (rule === undefined) return undefined;
  const base = await ports.pathOf(unit, rule);
  return base === undefined ? undefined : { rule, path: base + (rule as QuotaScope).suffix };
}

export async function listed(ports: QuotaPorts, unit: Unit, kind: QuotaKind): Promise<Reply> {
  const keys: string[] = [];
  for (const rule of await quotaRules(unit, kind)) {
    if ((await ports.pathOf(unit, rule)) !== undefined) keys.push(rule.name);
  }
  return { data: { keys } };
}

export function remove(ports: QuotaPorts, unit: Unit, kind: QuotaKind, ruleName: string): void {
  deleteQuotaRule(unit, kind, ruleName);
  ports.changed(unit);
}
