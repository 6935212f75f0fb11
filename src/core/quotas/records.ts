/** What is stored of quotas: the rules, each under its kind and name, and the settings. */
import type { Stored, Transaction, Unit } from '../../model/transaction.ts';

/** Where a rule applies. It names ids, not paths, so that it follows a mount that moves and ends with one that is deleted. */
export interface QuotaScope {
  readonly namespaceId: string;
  /** '' = the whole namespace. */
  readonly mountAccessor: string;
  /** Path below the mount without slashes at its ends; may end in `*`. '' = the whole mount. */
  readonly suffix: string;
  /** Login role; '' = any request. */
  readonly role: string;
  /** A namespace's rule that child namespaces without one of their own use. */
  readonly inheritable: boolean;
}

export interface RateLimitRecord extends QuotaScope {
  /** New with every write, so that counting begins anew. */
  readonly id: string;
  readonly name: string;
  /** Requests per interval; may be a fraction. */
  readonly rate: number;
  readonly intervalSeconds: number;
  readonly blockIntervalSeconds: number;
}

export interface LeaseCountRecord extends QuotaScope {
  readonly id: string;
  readonly name: string;
  readonly maxLeases: number;
}

export interface QuotaRecords {
  readonly 'rate-limit': RateLimitRecord;
  readonly 'lease-count': LeaseCountRecord;
}

export type QuotaKind = keyof QuotaRecords;

export interface QuotaSettings {
  readonly rateLimitExemptPaths: readonly string[];
  readonly auditRejections: boolean;
  readonly responseHeaders: boolean;
}

/** Paths that operators need when everything else is refused. */
export const DEFAULT_QUOTA_SETTINGS: QuotaSettings = {
  rateLimitExemptPaths: [
    'sys/generate-recovery-token/attempt',
    'sys/generate-recovery-token/update',
    'sys/generate-root/attempt',
    'sys/generate-root/update',
    'sys/health',
    'sys/seal-status',
    'sys/unseal',
  ],
  auditRejections: false,
  responseHeaders: false,
};

/** The epoch scope that every change of quotas advances. */
export const QUOTA_SCOPE = 'quotas';
/** Most rules of one kind. */
export const QUOTA_RULES_MAX = 10_000;

const PREFIX = 'core/quota/';
const SETTINGS_KEY = 'config';

function viewOf(unit: Unit): Transaction {
  return unit.view('root', PREFIX);
}

export async function quotaSettings(unit: Unit): Promise<QuotaSettings> {
  return (await viewOf(unit).getRecord<QuotaSettings>(SETTINGS_KEY)) ?? DEFAULT_QUOTA_SETTINGS;
}

export function putQuotaSettings(unit: Unit, settings: QuotaSettings): void {
  viewOf(unit).putJson(SETTINGS_KEY, settings);
}

export async function quotaRule<K extends QuotaKind>(
  unit: Unit,
  kind: K,
  name: string,
): Promise<Stored<QuotaRecords[K]> | undefined> {
  return await viewOf(unit).getRecord<QuotaRecords[K]>(`${kind}/${name}`);
}

export function putQuotaRule<K extends QuotaKind>(
  unit: Unit,
  kind: K,
  rule: QuotaRecords[K],
): void {
  viewOf(unit).putJson(`${kind}/${rule.name}`, rule);
}

export function deleteQuotaRule(unit: Unit, kind: QuotaKind, name: string): void {
  viewOf(unit).delete(`${kind}/${name}`);
}

/** All rules of a kind, by name. */
export async function quotaRules<K extends QuotaKind>(
  unit: Unit,
  kind: K,
): Promise<readonly Stored<QuotaRecords[K]>[]> {
  const view = viewOf(unit);
  const names = await view.list(`${kind}/`, { limit: QUOTA_RULES_MAX });
  const rules = await view.getRecords<QuotaRecords[K]>(names.map((name) => `${kind}/${name}`));
  return rules.filter((rule) => rule !== undefined);
}

/** Auth methods whose login names a role, and the parameter that does. */
export const ROLE_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['aws', 'role'],
  ['azure', 'role'],
  ['cert', 'name'],
  ['gcp', 'role'],
  ['jwt', 'role'],
  ['kubernetes', 'role'],
  ['oidc', 'role'],
]);
