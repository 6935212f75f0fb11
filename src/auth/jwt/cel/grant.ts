/** The grant of a login, from the `pb.Auth` that a program has made. What only the core may say (tokens, entities) is not in it. */
import { isJsonObject } from '../../../base/json.ts';
import type { JsonObject, JsonValue } from '../../../base/json.ts';
import { canonicalCidr } from '../../../base/cidr.ts';
import type { Connection } from '../../../model/request.ts';
import { namesRoot } from '../../../model/root-policy.ts';
import { ClaimError } from '../../claims.ts';
import { FRESH_TOKEN_SETTINGS, grantOf } from '../../token-fields.ts';
import type { AuthGrant } from '../../../model/reply.ts';

const NANOSECONDS = 1_000_000_000n;
const LIST_MAX = 256;
const TOKEN_TYPES: Readonly<Record<number, 'service' | 'batch'>> = { 1: 'service', 2: 'batch' };

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: JsonValue | undefined): readonly string[] {
  const all = Array.isArray(value) ? value.map(text).filter((each) => each !== '') : [];
  if (all.length > LIST_MAX)
    throw new ClaimError(`the program makes more than ${LIST_MAX} of a kind`);
  return all;
}

function map(value: JsonValue | undefined): Readonly<Record<string, string>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, text(each)]));
}

/** Whole seconds of a Go duration; int64 is text in JSON. */
function seconds(value: JsonValue | undefined): number {
  const nanoseconds = BigInt(text(value) || '0');
  if (nanoseconds < 0n) throw new ClaimError('the program makes a time that is negative');
  return Number(nanoseconds / NANOSECONDS);
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** @throws {ClaimError} when it is none that may be */
export function grantFrom(auth: JsonObject, roleName: string, connection: Connection): AuthGrant {
  const lease = object(auth['lease_options']);
  const alias = object(auth['alias']);
  const policies = texts(auth['policies']);
  if (policies.some(namesRoot)) throw new ClaimError('the program gives the policy root');
  const boundCidrs = texts(auth['bound_cidrs']).map((each) => {
    const cidr = canonicalCidr(each);
    if (cidr === undefined) throw new ClaimError('the program binds to what is no address');
    return cidr;
  });
  const groups = Array.isArray(auth['group_aliases']) ? auth['group_aliases'] : [];
  const metadata = map(auth['metadata']);
  const name = text(alias['name']);
  const tokenType = TOKEN_TYPES[Number(auth['token_type'] ?? 0)];
  const times = {
    ttlSeconds: seconds(lease['TTL']),
    maxTtlSeconds: seconds(lease['MaxTTL']),
    periodSeconds: seconds(auth['period']),
  };
  return {
    ...grantOf(FRESH_TOKEN_SETTINGS, connection),
    ...times,
    explicitMaxTtlSeconds: seconds(auth['explicit_max_ttl']),
    numUses: Number(text(auth['num_uses']) || '0'),
    noDefaultPolicy: auth['no_default_policy'] === true,
    policies,
    displayName: text(auth['display_name']),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    renewable: lease['renewable'] === true,
    ...(boundCidrs.length > 0 && { boundCidrs }),
    ...(tokenType !== undefined && { tokenType }),
    ...(name !== '' && { alias: { name, metadata: map(alias['metadata']) } }),
    groupAliases: texts(groups.map((group) => object(group)['name'] ?? '')),
    internal: { role: roleName, role_type: 'cel', ...times },
  };
}
