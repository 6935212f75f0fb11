/**
 * The `token_*` block that every auth method's users and roles share: what the tokens of their logins are like. Parsed,
 * checked and read back here, and applied to the grant of a login.
 */
import { boundAddresses, cidrsContain } from '../base/cidr.ts';
import type { FieldSet } from '../model/field.ts';
import { invalidRequest, permissionDenied } from '../model/errors.ts';
import type { Connection, Request } from '../model/request.ts';
import type { Stored } from '../model/transaction.ts';
import { refuseRoot } from '../model/root-policy.ts';
import type { AuthGrant } from '../model/reply.ts';

export type TokenSettingType = 'default' | 'service' | 'batch';

/** As stored; times in seconds, 0 = not set. */
export interface TokenSettings {
  readonly token_bound_cidrs: readonly string[];
  readonly token_explicit_max_ttl: number;
  readonly token_max_ttl: number;
  readonly token_no_default_policy: boolean;
  readonly token_num_uses: number;
  readonly token_period: number;
  readonly token_policies: readonly string[];
  readonly token_strictly_bind_ip: boolean;
  readonly token_ttl: number;
  readonly token_type: TokenSettingType;
  /** Old names under which settings came; they are shown as long as they are in use. */
  readonly old_names: readonly string[];
}

export const FRESH_TOKEN_SETTINGS: TokenSettings = {
  token_bound_cidrs: [],
  token_explicit_max_ttl: 0,
  token_max_ttl: 0,
  token_no_default_policy: false,
  token_num_uses: 0,
  token_period: 0,
  token_policies: [],
  token_strictly_bind_ip: false,
  token_ttl: 0,
  token_type: 'default',
  old_names: [],
};

/** Most policies and most address ranges of one user or role. */
const LIST_MAX = 256;

interface TokenFieldSet {
  readonly token_bound_cidrs: { readonly kind: 'comma_string_list'; readonly description: string };
  readonly token_explicit_max_ttl: {
    readonly kind: 'duration_seconds';
    readonly description: string;
  };
  readonly token_max_ttl: { readonly kind: 'duration_seconds'; readonly description: string };
  readonly token_no_default_policy: { readonly kind: 'bool'; readonly description: string };
  readonly token_num_uses: { readonly kind: 'int'; readonly description: string };
  readonly token_period: { readonly kind: 'duration_seconds'; readonly description: string };
  readonly token_policies: { readonly kind: 'comma_string_list'; readonly description: string };
  readonly token_strictly_bind_ip: { readonly kind: 'bool'; readonly description: string };
  readonly token_ttl: { readonly kind: 'duration_seconds'; readonly description: string };
  readonly token_type: { readonly kind: 'string'; readonly description: string };
}

export const TOKEN_FIELDS: TokenFieldSet = {
  token_bound_cidrs: {
    kind: 'comma_string_list',
    description: 'Address ranges from which the tokens may be used.',
  },
  token_explicit_max_ttl: {
    kind: 'duration_seconds',
    description: 'No renewal takes the tokens beyond this age.',
  },
  token_max_ttl: { kind: 'duration_seconds', description: 'Longest life of the tokens.' },
  token_no_default_policy: {
    kind: 'bool',
    description: 'The tokens do not get the policy "default".',
  },
  token_num_uses: {
    kind: 'int',
    description: 'How often a token may be used; 0 = without limit.',
  },
  token_period: {
    kind: 'duration_seconds',
    description: 'The tokens live this long after each renewal, without end.',
  },
  token_policies: { kind: 'comma_string_list', description: 'Policies of the tokens.' },
  token_strictly_bind_ip: {
    kind: 'bool',
    description: 'A token may be used only from the address that logged in.',
  },
  token_ttl: { kind: 'duration_seconds', description: 'How long the tokens live at first.' },
  token_type: { kind: 'string', description: 'Kind of the tokens: service, batch or default.' },
};

/** Which old name stands for which setting; a method declares those that it ever had. */
export type OldNames = Readonly<Record<string, keyof TokenFieldSet>>;

/** The fields of old names, to be declared beside {@link TOKEN_FIELDS}. */
export function oldFields<const N extends OldNames>(
  names: N,
): { readonly [K in keyof N]: TokenFieldSet[N[K]] & { readonly deprecated: true } } {
  const fields: Record<string, FieldSet[string]> = {};
  for (const [old, name] of Object.entries(names)) {
    fields[old] = {
      kind: TOKEN_FIELDS[name].kind,
      description: `Old name of ${name}.`,
      deprecated: true,
    };
  }
  return fields as never;
}

/** The old names that most methods' roles ever had. */
export const OLD_ROLE_NAMES: OldNames = {
  policies: 'token_policies',
  ttl: 'token_ttl',
  max_ttl: 'token_max_ttl',
  period: 'token_period',
  num_uses: 'token_num_uses',
  bound_cidrs: 'token_bound_cidrs',
};

type Sent = Readonly<Record<string, unknown>>;

const NO_OLD_NAMES: OldNames = {};

/**
 * Settings after a write: what was sent replaces what is there. `oldTtlsUnordered`: under their old names a TTL may be longer
 * than the maximum.
 * @throws {RequestError} invalid_request
 */
export function mergeTokenSettings(
  before: Stored<TokenSettings>,
  sent: object,
  oldNames: OldNames = NO_OLD_NAMES,
  options: { readonly oldTtlsUnordered?: boolean } = {},
): TokenSettings {
  const { values, shown } = renamed(before, sent as Sent, oldNames);
  const pick = <K extends keyof TokenFieldSet>(name: K): Stored<TokenSettings>[K] =>
    (values.get(name) as Stored<TokenSettings>[K] | undefined) ?? before[name];
  const cidrs = values.get('token_bound_cidrs') as readonly string[] | undefined;
  const type = values.get('token_type') as string | undefined;
  const settings: TokenSettings = {
    token_bound_cidrs: cidrs === undefined ? before.token_bound_cidrs : boundCidrs(cidrs),
    token_explicit_max_ttl: pick('token_explicit_max_ttl'),
    token_max_ttl: pick('token_max_ttl'),
    token_no_default_policy: pick('token_no_default_policy'),
    token_num_uses: pick('token_num_uses'),
    token_period: pick('token_period'),
    token_policies: pick('token_policies'),
    token_strictly_bind_ip: pick('token_strictly_bind_ip'),
    token_ttl: pick('token_ttl'),
    token_type: type === undefined ? before.token_type : tokenType(type),
    old_names: shown,
  };
  check(settings, options.oldTtlsUnordered === true && isOldTtlSent(sent as Sent));
  return settings;
}

/** What was sent under either name. The new name wins; the old one stays visible while it is used. */
function renamed(
  before: Stored<TokenSettings>,
  sent: Sent,
  oldNames: OldNames,
): { values: ReadonlyMap<string, unknown>; shown: readonly string[] } {
  const values = new Map<string, unknown>();
  for (const name of Object.keys(TOKEN_FIELDS)) {
    if (sent[name] !== undefined) values.set(name, sent[name]);
  }
  const shown = new Set(before.old_names);
  for (const [old, name] of Object.entries(oldNames)) {
    if (values.has(name)) {
      if (sent[old] === undefined) shown.delete(old);
      else shown.add(old);
    } else if (sent[old] !== undefined) {
      values.set(name, name === 'token_policies' ? policySet(sent[old]) : sent[old]);
      shown.add(old);
    }
  }
  return { values, shown: [...shown] };
}

/** Policies as a set: lower case, sorted, each once, as they were under their old name. */
export function policySet(sent: unknown): unknown {
  if (!Array.isArray(sent)) return sent;
  const names = new Set(sent.map((name) => String(name).trim().toLowerCase()));
  names.delete('');
  return [...names].sort();
}

function tokenType(text: string): TokenSettingType {
  if (text === '' || text === 'default') return 'default';
  if (text === 'service' || text === 'batch') return text;
  throw invalidRequest("invalid 'token_type' value");
}

/** Ranges in canonical form. @throws {RequestError} */
export function boundCidrs(texts: readonly string[]): readonly string[] {
  const ranges = boundAddresses(texts);
  if (ranges === undefined)
    throw invalidRequest('failed to parse token_bound_cidrs: not an address or a range of them');
  return ranges;
}

const BATCH_REFUSAL = "'token_type' cannot be 'batch' or 'default_batch' when set to generate";

/** Whether a TTL came under its old name, where a maximum below it was never refused: it cuts every token anyway. */
function isOldTtlSent(sent: Sent): boolean {
  return sent['ttl'] !== undefined || sent['max_ttl'] !== undefined;
}

function check(settings: TokenSettings, ttlsUnordered: boolean): void {
  if (settings.token_num_uses < 0) throw invalidRequest("'token_num_uses' cannot be negative");
  if (settings.token_type === 'batch') {
    if (settings.token_period !== 0) throw invalidRequest(`${BATCH_REFUSAL} periodic tokens`);
    if (settings.token_num_uses !== 0)
      throw invalidRequest(`${BATCH_REFUSAL} tokens with limited use count`);
  }
  if (!ttlsUnordered && settings.token_max_ttl > 0 && settings.token_ttl > settings.token_max_ttl)
    throw invalidRequest("'token_ttl' cannot be greater than 'token_max_ttl'");
  if (settings.token_strictly_bind_ip && settings.token_bound_cidrs.length > 0) {
    throw invalidRequest(
      "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one",
    );
  }
  if (settings.token_policies.length > LIST_MAX || settings.token_bound_cidrs.length > LIST_MAX) {
    throw invalidRequest(`at most ${LIST_MAX} policies and ${LIST_MAX} address ranges are allowed`);
  }
  refuseRoot(settings.token_policies);
}

/** The block as it is read back. */
export function shownTokenSettings(
  settings: Stored<TokenSettings>,
  oldNames: OldNames = NO_OLD_NAMES,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of Object.keys(TOKEN_FIELDS) as (keyof TokenFieldSet)[])
    shown[name] = settings[name];
  for (const old of settings.old_names) {
    const name = oldNames[old];
    if (name !== undefined && isSet(settings[name])) shown[old] = settings[name];
  }
  return shown;
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== 0 && value !== false && value !== '';
}

export type TokenGrant = Pick<
  AuthGrant,
  | 'policies'
  | 'ttlSeconds'
  | 'maxTtlSeconds'
  | 'explicitMaxTtlSeconds'
  | 'periodSeconds'
  | 'renewable'
  | 'numUses'
  | 'tokenType'
  | 'noDefaultPolicy'
  | 'boundCidrs'
  | 'strictlyBindIp'
>;

/** What a login under these settings grants. */
export function grantOf(
  settings: Stored<TokenSettings>,
  connection: Pick<Connection, 'remoteAddress'>,
): TokenGrant {
  return {
    policies: settings.token_policies,
    ttlSeconds: settings.token_ttl,
    maxTtlSeconds: settings.token_max_ttl,
    explicitMaxTtlSeconds: settings.token_explicit_max_ttl,
    periodSeconds: settings.token_period,
    renewable: true,
    numUses: settings.token_num_uses,
    tokenType: settings.token_type,
    noDefaultPolicy: settings.token_no_default_policy,
    boundCidrs: settings.token_strictly_bind_ip
      ? [connection.remoteAddress]
      : settings.token_bound_cidrs,
    strictlyBindIp: settings.token_strictly_bind_ip,
  };
}

/** Whether logins at a mount end in batch tokens, which are never renewed and carry what is kept with them. */
export function makesBatchTokens(
  grant: Pick<TokenGrant, 'tokenType'>,
  mount: Pick<Request['mount'], 'config'>,
): boolean {
  const { token_type: tuned } = mount.config;
  if (tuned === 'service' || tuned === 'batch') return tuned === 'batch';
  return (
    grant.tokenType === 'batch' || (grant.tokenType !== 'service' && tuned === 'default-batch')
  );
}

/** @throws {RequestError} permission_denied when the caller's address is not one that the settings are bound to */
export function checkAddress(
  { token_bound_cidrs: cidrs }: Stored<TokenSettings>,
  connection: Pick<Connection, 'remoteAddress'>,
): void {
  if (cidrs.length > 0 && !cidrsContain(cidrs, connection.remoteAddress))
    throw permissionDenied('the address is not one that the role, user or entry is bound to');
}

/** What a renewal under these settings is bounded by. */
export function renewalOf(
  settings: Stored<TokenSettings>,
): Required<Pick<AuthGrant, 'ttlSeconds' | 'maxTtlSeconds' | 'periodSeconds'>> {
  return {
    ttlSeconds: settings.token_ttl,
    maxTtlSeconds: settings.token_max_ttl,
    periodSeconds: settings.token_period,
  };
}

/** True when a token's policies are those that the settings grant now; `default` does not count. */
export function samePolicies(
  settings: Stored<TokenSettings>,
  policies: readonly string[],
): boolean {
  const own = canonical(settings.token_policies);
  const held = canonical(policies);
  return own.size === held.size && [...own].every((name) => held.has(name));
}

function canonical(names: readonly string[]): Set<string> {
  const set = new Set(names.map((name) => name.trim().toLowerCase()));
  set.delete('');
  set.delete('default');
  return set;
}
